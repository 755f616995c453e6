/**
 * The wire format of a payment, written from the contracts' documentation and viem alone: nothing here is
 * shared with the SDK, so that the two check each other.
 */
import {
  bytesToBigInt,
  concat,
  encodeAbiParameters,
  hashTypedData,
  hexToBytes,
  keccak256,
  numberToHex,
  parseSignature,
  serializeCompactSignature,
  signatureToCompactSignature,
} from "viem";

import { treasuryDomain } from "./session.mjs";

const NONCE_SEQUENCE_MASK = (1n << 64n) - 1n;

export const RAIL_EIP3009 = 1;
export const RAIL_PERMIT2_EXACT = 2;
export const RAIL_PERMIT2_UPTO = 3;
export const APPROVAL_NONE = 0;
export const APPROVAL_EOA = 1;
export const APPROVAL_CONTRACT = 2;

/** `purse (160) | zero (72) | sequence (24)`. */
export function sessionId(purse, sequence) {
  return concat([purse, numberToHex(BigInt(sequence), { size: 12 })]).toLowerCase();
}

/** What a payment is signed under: how often what stands above it was released, and the policy's version. */
export function terms(epoch, policyVersion) {
  return (BigInt(epoch) << 16n) | BigInt(policyVersion);
}

/** The payment's nonce: commits to terms, session and decision; its low 64 bits are zero. */
export function commitment(terms_, session, decisionHash) {
  const preimage = encodeAbiParameters(
    [{ type: "uint256" }, { type: "bytes32" }, { type: "bytes32" }],
    [BigInt(terms_), session, decisionHash],
  );
  const hash = bytesToBigInt(hexToBytes(keccak256(preimage)));
  return numberToHex(hash & ~NONCE_SEQUENCE_MASK, { size: 32 });
}

export const tokenDomain = ({ name, version, address }, chainId) => ({
  name,
  version,
  chainId,
  verifyingContract: address,
});

/** The token's EIP-712 digest of the transfer (EIP-3009), under any nonce. */
export function transferDigest({ token, chainId, purse, payment, nonce }) {
  return hashTypedData({
    domain: tokenDomain(token, chainId),
    types: {
      TransferWithAuthorization: [
        { name: "from", type: "address" },
        { name: "to", type: "address" },
        { name: "value", type: "uint256" },
        { name: "validAfter", type: "uint256" },
        { name: "validBefore", type: "uint256" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "TransferWithAuthorization",
    message: {
      from: purse,
      to: payment.payee,
      value: payment.amount,
      validAfter: payment.validAfter,
      validBefore: payment.validBefore,
      nonce,
    },
  });
}

/** What a human signs to approve one payment. */
export function approvalDigest({ treasury, chainId, purse, payment, digest }) {
  return hashTypedData({
    domain: treasuryDomain(chainId, treasury),
    types: {
      PaymentApproval: [
        { name: "purse", type: "address" },
        { name: "payee", type: "address" },
        { name: "amount", type: "uint256" },
        { name: "validBefore", type: "uint256" },
        { name: "decisionHash", type: "bytes32" },
        { name: "digest", type: "bytes32" },
      ],
    },
    primaryType: "PaymentApproval",
    message: {
      purse,
      payee: payment.payee,
      amount: payment.amount,
      validBefore: payment.validBefore,
      decisionHash: payment.decisionHash,
      digest,
    },
  });
}

/** A 65-byte signature as r and vs (EIP-2098). */
export function compact(signature) {
  return serializeCompactSignature(signatureToCompactSignature(parseSignature(signature)));
}

/**
 * The blob that travels as "the signature".
 * @param payment Its `rail` is {@link RAIL_EIP3009} where it names none.
 * @param approval Nothing; `{kind: APPROVAL_EOA, signature}`; or
 * `{kind: APPROVAL_CONTRACT, approver, signature}`.
 */
export function encodeBlob(payment, signature, approval) {
  const kind = approval?.kind ?? APPROVAL_NONE;
  const parts = [
    numberToHex((kind << 4) | (payment.rail ?? RAIL_EIP3009), { size: 1 }),
    payment.payee,
    numberToHex(payment.amount, { size: 12 }),
    numberToHex(payment.validAfter, { size: 5 }),
    numberToHex(payment.validBefore, { size: 5 }),
    payment.decisionHash,
    compact(signature),
  ];
  if (payment.rail === RAIL_PERMIT2_UPTO) parts.push(payment.facilitator);
  if (kind === APPROVAL_EOA) parts.push(compact(approval.signature));
  if (kind === APPROVAL_CONTRACT) parts.push(approval.approver, approval.signature);
  // Addresses come with the capitals of their checksum.
  return concat(parts).toLowerCase();
}
