/** Real Safes, from the build that their npm package carries. */
import { createRequire } from "node:module";

import { concat, encodeAbiParameters, encodeFunctionData, parseEventLogs, zeroAddress } from "viem";

import { CHAIN_ID } from "./chain.mjs";

function contract(path) {
  const name = path.split("/").at(-1);
  const root = "@safe-global/safe-smart-account/build/artifacts/contracts";
  return createRequire(import.meta.url)(`${root}/${path}.sol/${name}.json`);
}

/** The contracts that all Safes of a chain share. */
export async function deploySafes(chain, account) {
  const singleton = await chain.deploy(account, contract("Safe"));
  const factory = await chain.deploy(account, contract("proxies/SafeProxyFactory"));
  const handler = await chain.deploy(account, contract("handler/CompatibilityFallbackHandler"));
  let salt = 0n;

  /** A Safe of `owners`, `threshold` of whom must sign. */
  return async function createSafe(owners, threshold) {
    const addresses = owners.map(({ address }) => address);
    const nobody = [zeroAddress, "0x", handler.address, zeroAddress, 0n, zeroAddress];
    const data = encodeFunctionData({
      abi: singleton.abi,
      functionName: "setup",
      args: [addresses, BigInt(threshold), ...nobody],
    });
    salt += 1n;
    const creation = [singleton.address, data, salt];
    const { logs } = await chain.send(account, factory, "createProxyWithNonce", creation);
    const [{ args }] = parseEventLogs({ ...factory, eventName: "ProxyCreation", logs });
    return verbs(chain, account, { abi: singleton.abi, address: args.proxy });
  };
}

function verbs(chain, relayer, safe) {
  const domain = { chainId: CHAIN_ID, verifyingContract: safe.address };

  /** A Safe wants its owners' signatures one after another, by rising address. */
  async function signed(signers, data) {
    const sorted = [...signers].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
    return concat(await Promise.all(sorted.map(signer => signer.signTypedData({ domain, ...data }))));
  }

  return {
    ...safe,

    /** Makes the Safe call; `signers` have signed for it, and a relayer submits. */
    async execute(signers, { abi, address }, functionName, args = []) {
      const message = {
        to: address,
        value: 0n,
        data: encodeFunctionData({ abi, functionName, args }),
        operation: 0,
        safeTxGas: 0n,
        baseGas: 0n,
        gasPrice: 0n,
        gasToken: zeroAddress,
        refundReceiver: zeroAddress,
      };
      const nonce = await chain.read(safe, "nonce");
      const signatures = await signed(signers, {
        types: { SafeTx: SAFE_TX },
        primaryType: "SafeTx",
        message: { ...message, nonce },
      });
      return chain.send(relayer, safe, "execTransaction", [...Object.values(message), signatures]);
    },

    /** What the Safe wants to see (EIP-1271) once `signers` have agreed to `hash`. */
    sign(signers, hash) {
      return signed(signers, {
        types: { SafeMessage: [{ name: "message", type: "bytes" }] },
        primaryType: "SafeMessage",
        message: { message: encodeAbiParameters([{ type: "bytes32" }], [hash]) },
      });
    },
  };
}

const SAFE_TX = [
  { name: "to", type: "address" },
  { name: "value", type: "uint256" },
  { name: "data", type: "bytes" },
  { name: "operation", type: "uint8" },
  { name: "safeTxGas", type: "uint256" },
  { name: "baseGas", type: "uint256" },
  { name: "gasPrice", type: "uint256" },
  { name: "gasToken", type: "address" },
  { name: "refundReceiver", type: "address" },
  { name: "nonce", type: "uint256" },
];
