/**
 * The vectors that Solidity, Rust and TypeScript are all held to. Computed with viem from the documented wire
 * format, so independently of the contracts and of the SDK.
 */
import { concat, domainSeparator, hashTypedData, keccak256, pad, stringToHex, zeroHash } from "viem";
import { privateKeyToAccount } from "viem/accounts";

import * as wire from "../reference/support/payment.mjs";
import { exactProxy, permitDigest, uptoProxy } from "../reference/support/permit2.mjs";
import { closeSessionTypedData, openSessionTypedData, treasuryDomain } from "../reference/support/session.mjs";
import { offers } from "./offers.mjs";

const MAX = bits => (1n << BigInt(bits)) - 1n;
const CHAIN_ID = 8453;
const TOKEN = { address: address("token"), name: "USDC", version: "2" };

function secret(name) {
  return keccak256(stringToHex(`bursar vector: ${name}`));
}

function address(name) {
  return privateKeyToAccount(secret(name)).address;
}

/* PAYMENTS */

const ORDINARY = {
  name: "ordinary",
  chainId: CHAIN_ID,
  token: TOKEN,
  treasury: address("treasury"),
  purse: address("purse"),
  sequence: 1,
  policyVersion: 1,
  epoch: 0,
  rail: wire.RAIL_EIP3009,
  payee: address("payee"),
  amount: 1_000_000n,
  validAfter: 0n,
  validBefore: 1_800_000_060n,
  decisionHash: keccak256(stringToHex("decision 1")),
  sessionSecret: secret("session key"),
};

const UPTO = { rail: wire.RAIL_PERMIT2_UPTO, facilitator: address("facilitator") };

const PAYMENTS = [
  ORDINARY,
  { ...ORDINARY, name: "another decision", decisionHash: keccak256(stringToHex("decision 2")) },
  { ...ORDINARY, name: "another session", sequence: 2, sessionSecret: secret("session key 2") },
  { ...ORDINARY, name: "another policy version", policyVersion: 2 },
  { ...ORDINARY, name: "after a release", epoch: 1 },
  { ...ORDINARY, name: "least", amount: 1n, validBefore: 1n, decisionHash: zeroHash, chainId: 1 },
  {
    ...ORDINARY,
    name: "every field at its most",
    sequence: Number(MAX(23)),
    policyVersion: Number(MAX(16)),
    epoch: Number(MAX(32)),
    payee: "0xffffffffffffffffffffffffffffffffffffffff",
    purse: "0xffffffffffffffffffffffffffffffffffffffff",
    amount: MAX(96),
    validAfter: MAX(40),
    validBefore: MAX(40),
    decisionHash: `0x${"ff".repeat(32)}`,
  },
  { ...ORDINARY, name: "approved by a person", amount: 15_000_000n, approverSecret: secret("approver") },
  {
    ...ORDINARY,
    name: "approved by a contract",
    amount: 15_000_000n,
    approver: address("contract approver"),
    approverSignature: `0x${"5a".repeat(130)}`,
  },
  {
    ...ORDINARY,
    name: "approved by a contract that wants no signature",
    amount: 15_000_000n,
    approver: address("contract approver"),
    approverSignature: "0x",
  },
  { ...ORDINARY, name: "through Permit2", rail: wire.RAIL_PERMIT2_EXACT },
  {
    ...ORDINARY,
    name: "through Permit2, on another chain, after a release, approved by a person",
    chainId: 1,
    epoch: 3,
    rail: wire.RAIL_PERMIT2_EXACT,
    approverSecret: secret("approver"),
  },
  { ...ORDINARY, name: "at most, through Permit2", ...UPTO },
  { ...ORDINARY, name: "at most, approved by a person", ...UPTO, approverSecret: secret("approver") },
  {
    ...ORDINARY,
    name: "at most, approved by a contract",
    ...UPTO,
    approver: address("contract approver"),
    approverSignature: `0x${"5a".repeat(130)}`,
  },
];

async function payment(input) {
  const { chainId, token, treasury, purse, decisionHash } = input;
  const sessionId = wire.sessionId(purse, input.sequence);
  const nonce = wire.commitment(wire.terms(input.epoch, input.policyVersion), sessionId, decisionHash);
  const digest = digestOf(input, nonce);
  const approvalDigest = wire.approvalDigest({ treasury, chainId, purse, payment: input, digest });
  const signature = await privateKeyToAccount(input.sessionSecret).sign({ hash: digest });
  const approval = await approvalOf(input, approvalDigest);
  return {
    ...input,
    expected: {
      sessionId,
      nonce,
      tokenDomainSeparator: domainSeparator({ domain: wire.tokenDomain(token, chainId) }),
      treasuryDomainSeparator: domainSeparator({ domain: treasuryDomain(chainId, treasury) }),
      digest,
      sessionKey: privateKeyToAccount(input.sessionSecret).address,
      signature,
      approvalDigest,
      approver: approval?.approver ?? null,
      approvalSignature: approval?.signature ?? null,
      blob: wire.encodeBlob(input, signature, approval),
    },
  };
}

function digestOf(input, nonce) {
  const { chainId, token, purse, payee: to, facilitator, validAfter } = input;
  if (input.rail === wire.RAIL_EIP3009) {
    return wire.transferDigest({ token, chainId, purse, payment: input, nonce });
  }
  return permitDigest({
    chainId,
    permitted: { token: token.address, amount: input.amount },
    spender: (facilitator ? uptoProxy : exactProxy).address,
    nonce,
    deadline: input.validBefore,
    witness: facilitator ? { to, facilitator, validAfter } : { to, validAfter },
  });
}

async function approvalOf({ approverSecret, approver, approverSignature }, hash) {
  if (approver) return { kind: wire.APPROVAL_CONTRACT, approver, signature: approverSignature };
  if (!approverSecret) return undefined;
  const account = privateKeyToAccount(approverSecret);
  return { kind: wire.APPROVAL_EOA, approver: account.address, signature: await account.sign({ hash }) };
}

/* BLOBS THAT NOBODY READS */

function malformed(payments) {
  const blobOf = name => payments.find(payment => payment.name === name).expected.blob;
  const plain = blobOf("ordinary");
  const approved = blobOf("approved by a person");
  const byContract = blobOf("approved by a contract that wants no signature");
  const firstByte = (byte, blob) => concat([byte, `0x${blob.slice(4)}`]);
  const cut = blob => blob.slice(0, -2);
  return [
    { name: "empty", blob: "0x" },
    { name: "one byte", blob: "0x01" },
    { name: "a plain ECDSA signature", blob: `0x${"11".repeat(65)}` },
    { name: "one byte short", blob: cut(plain) },
    { name: "one byte long", blob: concat([plain, "0x00"]) },
    { name: "announces a person's approval and has none", blob: firstByte("0x11", plain) },
    { name: "has a person's approval and announces none", blob: firstByte("0x01", approved) },
    { name: "a person's approval one byte short", blob: cut(approved) },
    { name: "a person's approval one byte long", blob: concat([approved, "0x00"]) },
    { name: "a contract's approval without all of its address", blob: cut(byContract) },
    { name: "an unknown kind of approval", blob: firstByte("0x31", approved) },
    { name: "the highest kind of approval", blob: firstByte("0xf1", approved) },
    { name: "a payment at most without its facilitator", blob: firstByte("0x03", plain) },
    { name: "a payment at most with half a facilitator", blob: cut(blobOf("at most, through Permit2")) },
    { name: "a facilitator on a rail that has none", blob: firstByte("0x02", blobOf("at most, through Permit2")) },
    { name: "longer than anyone reads", blob: pad(byContract, { dir: "right", size: 4097 }) },
  ];
}

/* SESSIONS */

const OPENING = {
  envelope: 1,
  purseIndex: 0,
  sequence: 1,
  key: address("session key"),
  budget: 50_000_000n,
  expiry: 1_800_003_600,
  scope: { paymentCap: 0n, approvalThreshold: 0n, payeeList: 0 },
  stampHash: zeroHash,
};

const OPENINGS = [
  { name: "ordinary", request: OPENING },
  {
    name: "narrowed",
    request: {
      ...OPENING,
      purseIndex: 3,
      sequence: 7,
      scope: { paymentCap: 5_000_000n, approvalThreshold: 2_000_000n, payeeList: 4 },
      stampHash: keccak256(stringToHex("stamp")),
    },
  },
  {
    name: "every field at its most",
    request: {
      envelope: Number(MAX(24)),
      purseIndex: Number(MAX(16)),
      sequence: Number(MAX(23)),
      key: "0xffffffffffffffffffffffffffffffffffffffff",
      budget: MAX(96),
      expiry: Number(MAX(32)),
      scope: { paymentCap: MAX(96), approvalThreshold: MAX(96), payeeList: Number(MAX(16)) },
      stampHash: `0x${"ff".repeat(32)}`,
    },
  },
];

async function opening({ name, request }) {
  const treasury = address("treasury");
  const typedData = openSessionTypedData(CHAIN_ID, treasury, request);
  const agent = privateKeyToAccount(secret("agent"));
  return {
    name,
    chainId: CHAIN_ID,
    treasury,
    agentSecret: secret("agent"),
    request,
    expected: { digest: hashTypedData(typedData), signature: await agent.signTypedData(typedData) },
  };
}

async function closing(sequence) {
  const treasury = address("treasury");
  const purse = address("purse");
  const typedData = closeSessionTypedData(CHAIN_ID, treasury, { purse, sequence });
  const agent = privateKeyToAccount(secret("agent"));
  return {
    name: `session ${sequence}`,
    chainId: CHAIN_ID,
    treasury,
    agentSecret: secret("agent"),
    purse,
    sequence,
    expected: { digest: hashTypedData(typedData), signature: await agent.signTypedData(typedData) },
  };
}

/** Every vector file by name, as the text it has to have. */
export async function build() {
  const payments = await Promise.all(PAYMENTS.map(payment));
  return {
    "payment.json": text({ payments, malformed: malformed(payments) }),
    "session.json": text({
      openings: await Promise.all(OPENINGS.map(opening)),
      closings: await Promise.all([1, Number(MAX(23))].map(closing)),
    }),
    "offer-receipt.json": text(await offers()),
  };
}

/** Amounts and 40-bit times are decimal strings: JSON numbers do not hold 96 bits. */
function text(value) {
  return `${JSON.stringify(value, (_, field) => (typeof field === "bigint" ? field.toString() : field), 2)}\n`;
}
