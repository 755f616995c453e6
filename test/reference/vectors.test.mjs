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
    const commitments = payments.map(p => [p.epoch, p.policyVersion, p.purse, p.sequence, p.decisionHash].join());
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

  assert.equal(expected.digest, payment.rail === 1 ? transferDigest(payment, expected) : permitDigest(payment, expected));
  assert.equal(await recovered(expected.digest, slice(blob, 75, 139)), expected.sessionKey);

  const approvalHash = hashed(
    "PaymentApproval(address purse,address payee,uint256 amount,uint256 validBefore,bytes32 decisionHash," +
      "bytes32 digest)",
    ["address", "address", "uint256", "uint256", "bytes32", "bytes32"],
    [payment.purse, payment.payee, payment.amount, payment.validBefore, payment.decisionHash, expected.digest],
  );
  assert.equal(expected.approvalDigest, typed(expected.treasuryDomainSeparator, approvalHash));

  const kind = payment.approver ? 2 : payment.approverSecret ? 1 : 0;
  assert.equal(slice(blob, 0, 1), `0x${kind}${payment.rail}`);
  const end = payment.facilitator ? 159 : 139;
  if (payment.facilitator) assert.equal(slice(blob, 139, 159), payment.facilitator.toLowerCase());
  if (kind === 0) assert.equal(size(blob), end);
  if (kind === 1) assert.equal(await recovered(expected.approvalDigest, slice(blob, end)), expected.approver);
  if (kind === 2) {
    assert.equal(slice(blob, end), concat([payment.approver, payment.approverSignature]).toLowerCase());
  }
}

function transferDigest({ purse, payee, amount, validAfter, validBefore }, { nonce, tokenDomainSeparator }) {
  const transferHash = hashed(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore," +
      "bytes32 nonce)",
    ["address", "address", "uint256", "uint256", "uint256", "bytes32"],
    [purse, payee, amount, validAfter, validBefore, nonce],
  );
  return typed(tokenDomainSeparator, transferHash);
}

/** What Permit2 asks about, where it spends for one of the x402 proxies. */
function permitDigest({ chainId, token, payee, facilitator, amount, validAfter, validBefore }, { nonce }) {
  const witnessType = facilitator
    ? "Witness(address to,address facilitator,uint256 validAfter)"
    : "Witness(address to,uint256 validAfter)";
  const witness = facilitator
    ? hashed(witnessType, ["address", "address", "uint256"], [payee, facilitator, validAfter])
    : hashed(witnessType, ["address", "uint256"], [payee, validAfter]);
  const permittedType = "TokenPermissions(address token,uint256 amount)";
  const permitHash = hashed(
    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline," +
      `Witness witness)${permittedType}${witnessType}`,
    ["bytes32", "address", "uint256", "uint256", "bytes32"],
    [
      hashed(permittedType, ["address", "uint256"], [token.address, amount]),
      facilitator ? "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002" : "0x402085c248EeA27D92E8b30b2C58ed07f9E20001",
      nonce,
      validBefore,
      witness,
    ],
  );
  const separator = hashed(
    "EIP712Domain(string name,uint256 chainId,address verifyingContract)",
    ["bytes32", "uint256", "address"],
    [keccak256(stringToHex("Permit2")), chainId, "0x000000000022D473030F116dDEE9F6B43aC78BA3"],
  );
  return typed(separator, permitHash);
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
