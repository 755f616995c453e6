import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import {
  compactSignatureToSignature,
  concat,
  encodeAbiParameters,
  keccak256,
  parseCompactSignature,
  recoverAddress,
  serializeSignature,
  size,
  slice,
  stringToHex,
} from "viem";

import { build } from "../vectors/build.mjs";

const committed = name => readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8");
const { payments, malformed } = JSON.parse(committed("payment.json"));

describe("the vectors", () => {
  it("are what the generator writes", async () => {
    for (const [name, text] of Object.entries(await build())) assert.equal(committed(name), text, name);
  });

  it("tell every payment apart by its nonce, unless all that it commits to is the same", () => {
    const commitments = payments.map(p => [p.policyVersion, p.purse, p.sequence, p.decisionHash].join());
    const nonces = payments.map(p => p.expected.nonce);
    assert.equal(new Set(nonces).size, new Set(commitments).size);
    for (const nonce of nonces) assert.equal(slice(nonce, 24), "0x0000000000000000");
  });

  it("cover both parities of a session key's signature", () => {
    const parities = payments.map(({ expected }) => BigInt(slice(expected.blob, 107, 108)) >> 7n);
    assert.deepEqual([...new Set(parities)].sort(), [0n, 1n]);
  });

  it("never have the length of a plain signature, nor the suffix of an EIP-6492 wrapper", () => {
    for (const { expected } of payments) {
      assert.notEqual(size(expected.blob), 65);
      assert.doesNotMatch(expected.blob, /(6492){16}$/);
    }
  });

  for (const { name, ...payment } of payments) {
    it(`hold for a payment by hand: ${name}`, () => assertByHand(payment));
  }

  it("name every malformed blob once, and none that is well formed", () => {
    const wellFormed = new Set(payments.map(({ expected }) => expected.blob));
    assert.equal(new Set(malformed.map(({ blob }) => blob)).size, malformed.length);
    for (const { blob } of malformed) assert.ok(!wellFormed.has(blob));
  });
});

/** Takes the blob apart by offsets and hashes by the letter of EIP-712, beside viem's own typed data. */
async function assertByHand({ expected, ...payment }) {
  const { blob } = expected;
  const number = (from, to) => BigInt(slice(blob, from, to)).toString();
  assert.equal(slice(blob, 1, 21), payment.payee.toLowerCase());
  assert.equal(number(21, 33), payment.amount);
  assert.equal(number(33, 38), payment.validAfter);
  assert.equal(number(38, 43), payment.validBefore);
  assert.equal(slice(blob, 43, 75), payment.decisionHash);

  const transferHash = hashed(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore," +
      "bytes32 nonce)",
    ["address", "address", "uint256", "uint256", "uint256", "bytes32"],
    [payment.purse, payment.payee, payment.amount, payment.validAfter, payment.validBefore, expected.nonce],
  );
  assert.equal(expected.digest, typed(expected.tokenDomainSeparator, transferHash));
  assert.equal(await recovered(expected.digest, slice(blob, 75, 139)), expected.sessionKey);

  const approvalHash = hashed(
    "PaymentApproval(address purse,address payee,uint256 amount,uint256 validBefore,bytes32 decisionHash," +
      "bytes32 digest)",
    ["address", "address", "uint256", "uint256", "bytes32", "bytes32"],
    [payment.purse, payment.payee, payment.amount, payment.validBefore, payment.decisionHash, expected.digest],
  );
  assert.equal(expected.approvalDigest, typed(expected.treasuryDomainSeparator, approvalHash));

  const kind = payment.approver ? 2 : payment.approverSecret ? 1 : 0;
  assert.equal(slice(blob, 0, 1), `0x${kind}1`);
  if (kind === 0) assert.equal(size(blob), 139);
  if (kind === 1) assert.equal(await recovered(expected.approvalDigest, slice(blob, 139)), expected.approver);
  if (kind === 2) {
    assert.equal(slice(blob, 139), concat([payment.approver, payment.approverSignature]).toLowerCase());
  }
}

function hashed(type, types, values) {
  const parameters = ["bytes32", ...types].map(type => ({ type }));
  const typed = values.map((value, i) => (types[i] === "uint256" ? BigInt(value) : value));
  return keccak256(encodeAbiParameters(parameters, [keccak256(stringToHex(type)), ...typed]));
}

function typed(separator, structHash) {
  return keccak256(concat(["0x1901", separator, structHash]));
}

async function recovered(hash, compact) {
  const signature = serializeSignature(compactSignatureToSignature(parseCompactSignature(compact)));
  return recoverAddress({ hash, signature });
}
