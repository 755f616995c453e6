/**
 * The rails through Permit2, written from the contracts' documentation and viem alone, as {@link payment.mjs} is;
 * and what stands on public chains for them, which anvil has not.
 */
import { readFileSync } from "node:fs";

import {
  PERMIT2_ADDRESS,
  x402ExactPermit2ProxyABI,
  x402ExactPermit2ProxyAddress,
  x402UptoPermit2ProxyABI,
  x402UptoPermit2ProxyAddress,
} from "@x402/evm";
import { getAddress, hashTypedData, parseAbi } from "viem";

import { CHAIN_ID } from "./chain.mjs";
import { compile } from "./compile.mjs";
import { RAIL_PERMIT2_EXACT, RAIL_PERMIT2_UPTO } from "./payment.mjs";
import { PurseScheme } from "./purse.mjs";

export const permit2 = {
  address: PERMIT2_ADDRESS,
  abi: parseAbi([
    "function nonceBitmap(address owner, uint256 word) view returns (uint256)",
    "function DOMAIN_SEPARATOR() view returns (bytes32)",
  ]),
};
export const exactProxy = { address: x402ExactPermit2ProxyAddress, abi: x402ExactPermit2ProxyABI };
export const uptoProxy = { address: x402UptoPermit2ProxyAddress, abi: x402UptoPermit2ProxyABI };

/** The real Permit2, and the stand-ins of the proxies, each at its address. */
export async function installPermit2(chain) {
  const { bytecode } = JSON.parse(readFileSync(new URL("../../fixtures/Permit2.json", import.meta.url), "utf8"));
  const proxies = compile("test/mocks/X402Permit2Proxies.sol");
  // A constructor that runs at the real address: Permit2 keeps the domain of where that was.
  for (const [{ address }, creation] of [
    [permit2, bytecode],
    [exactProxy, proxies.X402ExactPermit2Proxy.bytecode],
    [uptoProxy, proxies.X402UptoPermit2Proxy.bytecode],
  ]) {
    await chain.place(address, creation);
    const { data } = await chain.reader.call({ to: address });
    await chain.place(address, data);
  }
}

const TOKEN_PERMISSIONS = [
  { name: "token", type: "address" },
  { name: "amount", type: "uint256" },
];

const WITNESSES = {
  [RAIL_PERMIT2_EXACT]: [
    { name: "to", type: "address" },
    { name: "validAfter", type: "uint256" },
  ],
  [RAIL_PERMIT2_UPTO]: [
    { name: "to", type: "address" },
    { name: "facilitator", type: "address" },
    { name: "validAfter", type: "uint256" },
  ],
};

/** What Permit2 asks the purse about, recomputed from what the facilitator gets. */
export function permitDigest({ permitted, spender, nonce, deadline, witness, chainId = CHAIN_ID }) {
  const rail = spender === uptoProxy.address ? RAIL_PERMIT2_UPTO : RAIL_PERMIT2_EXACT;
  return hashTypedData({
    domain: { name: "Permit2", chainId, verifyingContract: permit2.address },
    types: {
      PermitWitnessTransferFrom: [
        { name: "permitted", type: "TokenPermissions" },
        { name: "spender", type: "address" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
        { name: "witness", type: "Witness" },
      ],
      TokenPermissions: TOKEN_PERMISSIONS,
      Witness: WITNESSES[rail],
    },
    primaryType: "PermitWitnessTransferFrom",
    message: {
      permitted: { token: permitted.token, amount: BigInt(permitted.amount) },
      spender,
      nonce: BigInt(nonce),
      deadline: BigInt(deadline),
      witness: { ...witness, validAfter: BigInt(witness.validAfter) },
    },
  });
}

/** The client whose payer is a purse, for `exact` by Permit2. */
export class Permit2PurseScheme extends PurseScheme {
  rail = RAIL_PERMIT2_EXACT;

  payment(requirements) {
    return { ...super.payment(requirements), rail: this.rail };
  }

  digest(requirements, payment, nonce) {
    return permitDigest(this.permit(requirements, payment, nonce));
  }

  authorization(requirements, payment, nonce) {
    return { permit2Authorization: this.permit(requirements, payment, nonce) };
  }

  permit(requirements, payment, nonce) {
    return {
      from: this.options.session.purse,
      permitted: { token: getAddress(requirements.asset), amount: payment.amount.toString() },
      spender: exactProxy.address,
      nonce: BigInt(nonce).toString(),
      deadline: payment.validBefore.toString(),
      witness: { to: payment.payee, validAfter: payment.validAfter.toString() },
    };
  }
}

/** The same for `upto`: what it costs is the most that may be charged, by that facilitator alone. */
export class UptoPurseScheme extends Permit2PurseScheme {
  scheme = "upto";
  rail = RAIL_PERMIT2_UPTO;

  payment(requirements) {
    return { ...super.payment(requirements), facilitator: getAddress(requirements.extra.facilitatorAddress) };
  }

  permit(requirements, payment, nonce) {
    const permit = super.permit(requirements, payment, nonce);
    const { to, validAfter } = permit.witness;
    return {
      ...permit,
      spender: uptoProxy.address,
      witness: { to, facilitator: payment.facilitator, validAfter },
    };
  }
}
