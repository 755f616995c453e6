import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import {
  createPublicClient,
  createTestClient,
  createWalletClient,
  http,
  keccak256,
  parseEther,
  publicActions,
  stringToHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry, mainnet } from "viem/chains";

import { startAnvil } from "./anvil.mjs";

/**
 * Wednesday 2050-01-05 12:00 UTC: inside a day and a week, near the end of neither, and ahead of the clock
 * that the facilitator holds `validBefore` against. So no test depends on when it runs.
 */
export const NOON = Date.UTC(2050, 0, 5, 12) / 1000;

/** The chain as x402 names it (CAIP-2). */
export const NETWORK = `eip155:${foundry.id}`;
export const CHAIN_ID = foundry.id;

const POLLING_MS = 20;

/** A private key that is the same in every run, told apart by what it is for. */
export function keyOf(name) {
  return keccak256(stringToHex(`bursar reference test: ${name}`));
}

/** The account of such a key. */
export function person(name) {
  return privateKeyToAccount(keyOf(name));
}

/**
 * Public chains have Multicall3 at one address, and the facilitator asks it what a failed simulation was about;
 * anvil has not. viem carries the creation code, but does not export it.
 */
async function installMulticall3(reader, tester) {
  const viem = dirname(createRequire(import.meta.url).resolve("viem/package.json"));
  const { multicall3Bytecode } = await import(pathToFileURL(join(viem, "_esm/constants/contracts.js")).href);
  const { data: bytecode } = await reader.call({ data: multicall3Bytecode });
  await tester.setCode({ address: mainnet.contracts.multicall3.address, bytecode });
}

/** Starts a chain whose first block is of `timestamp`, in unix seconds. */
export async function startChain(timestamp = NOON) {
  const anvil = await startAnvil(timestamp);
  const options = { chain: foundry, transport: http(anvil.url), pollingInterval: POLLING_MS };
  const reader = createPublicClient(options);
  const tester = createTestClient({ ...options, mode: "anvil" });
  const wallet = account => createWalletClient({ ...options, account }).extend(publicActions);

  await installMulticall3(reader, tester);

  async function mined(hash) {
    const receipt = await reader.waitForTransactionReceipt({ hash });
    if (receipt.status !== "success") throw new Error(`transaction ${hash} reverted`);
    return receipt;
  }

  return {
    url: anvil.url,
    reader,
    wallet,
    stop: anvil.stop,
    snapshot: () => tester.snapshot(),
    revert: id => tester.revert({ id }),
    now: async () => (await reader.getBlock()).timestamp,

    async fund(...accounts) {
      for (const { address } of accounts) await tester.setBalance({ address, value: parseEther("100") });
    },
    place: (address, bytecode) => tester.setCode({ address, bytecode }),
    mine: blocks => tester.mine({ blocks }),

    async passTo(timestamp) {
      await tester.setNextBlockTimestamp({ timestamp });
      await tester.mine({ blocks: 1 });
    },
    async deploy(account, { abi, bytecode }, args = []) {
      const hash = await wallet(account).deployContract({ abi, bytecode, args });
      return { abi, address: (await mined(hash)).contractAddress };
    },
    read({ abi, address }, functionName, args = []) {
      return reader.readContract({ abi, address, functionName, args });
    },
    async send(account, { abi, address }, functionName, args = []) {
      const call = { account, abi, address, functionName, args };
      // A call that would store what is there already costs less in the second it is estimated in than in the
      // next one, which it is mined in.
      const gas = ((await reader.estimateContractGas(call)) * 5n) / 4n;
      return mined(await wallet(account).writeContract({ ...call, gas }));
    },
  };
}
