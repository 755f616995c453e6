// The call that settled a payment, found in its transaction however that is wrapped, and what its signatures are over: the
// twins of PaymentBlob.sol, PaymentDigest.sol and Permit2Digest.sol.
import {
  concat, encodeAbiParameters, getAddress, hashTypedData, keccak256, recoverAddress, stringToBytes, toFunctionSelector, toHex,
} from "./vendor/viem.js";

const HALF_N = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const MAX_BLOB = 4096;
const RAILS = { 1: "eip3009", 2: "permit2_exact", 3: "permit2_upto" };
const PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
const PROXIES = {
  permit2_exact: "0x402085c248EeA27D92E8b30b2C58ed07f9E20001",
  permit2_upto: "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002",
};
const PERMIT = "((address,uint256),uint256,uint256)";
const PERMIT_2612 = "(uint256,uint256,bytes32,bytes32,uint8)";

/** Selectors, with the words before the blob's offset, and where payer and nonce stand. */
const SHAPES = {
  eip3009: [["transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)", { payer: 0, nonce: 5, blob: 6 }]],
  permit2_exact: [
    [`settle(${PERMIT},address,(address,uint256),bytes)`, { payer: 4, nonce: 2, blob: 7 }],
    [`settleWithPermit(${PERMIT_2612},${PERMIT},address,(address,uint256),bytes)`, { payer: 9, nonce: 7, blob: 12 }],
  ],
  permit2_upto: [
    [`settle(${PERMIT},uint256,address,(address,address,uint256),bytes)`, { payer: 5, nonce: 2, blob: 9 }],
    [
      `settleWithPermit(${PERMIT_2612},${PERMIT},uint256,address,(address,address,uint256),bytes)`,
      { payer: 10, nonce: 7, blob: 14 },
    ],
  ],
};

/** The blob of the payment, and the digest that it signs; null where the transaction has none. */
export function signedIn(input, { payment, chainId }, domainSeparator) {
  const same = (a, b) => a.toLowerCase() === b.toLowerCase();
  for (const [signature, places] of SHAPES[payment.rail] ?? []) {
    const selector = toFunctionSelector(signature).slice(2);
    for (let at = input.indexOf(selector, 2); at !== -1; at = input.indexOf(selector, at + 1)) {
      if (at % 2) continue;
      const blob = read(input.slice(at + 8), places, payment);
      if (!blob || blob.rail !== payment.rail || !same(blob.payee, payment.payee)) continue;
      const paid = BigInt(payment.amount);
      if (payment.rail === "permit2_upto" ? paid > blob.amount : paid !== blob.amount) continue;
      if (payment.decisionHash && blob.decisionHash !== payment.decisionHash) continue;
      const digest = digestOf(blob, payment, chainId, domainSeparator);
      return { blob, digest, approvalDigest: approvalOf(blob, payment, chainId, digest) };
    }
  }
  return null;
}

function read(words, places, { purse, nonce }) {
  const word = index => words.slice(index * 64, index * 64 + 64);
  if (word(places.payer) !== purse.slice(2).toLowerCase().padStart(64, "0")) return null;
  if (`0x${word(places.nonce)}` !== nonce) return null;
  const offset = Number(BigInt(`0x${word(places.blob) || "0"}`));
  if (!(offset * 2 + 64 <= words.length)) return null;
  const length = Number(BigInt(`0x${words.slice(offset * 2, offset * 2 + 64)}`));
  if (!(length <= MAX_BLOB)) return null;
  const bytes = words.slice(offset * 2 + 64, offset * 2 + 64 + length * 2);
  return bytes.length === length * 2 ? decoded(bytes) : null;
}

/** See PaymentBlob.sol for the layout; null where it has another. */
function decoded(hex) {
  const part = (from, to) => hex.slice(from * 2, to === undefined ? undefined : to * 2);
  const number = (from, to) => BigInt(`0x${part(from, to)}`);
  if (hex.length < 139 * 2) return null;
  const kinds = Number(number(0, 1));
  const [rail, kind] = [RAILS[kinds & 0x0f], kinds >> 4];
  const base = rail === "permit2_upto" ? 159 : 139;
  const length = hex.length / 2;
  const whole = [length === base, length === base + 64, length >= base + 20][kind];
  if (!rail || !whole) return null;
  const approvals = [
    () => null,
    () => ({ signature: compact(part(base)) }),
    () => ({ contract: getAddress(`0x${part(base, base + 20)}`), signature: `0x${part(base + 20)}` }),
  ];
  return {
    rail,
    payee: `0x${part(1, 21)}`,
    amount: number(21, 33),
    validAfter: number(33, 38),
    validBefore: number(38, 43),
    decisionHash: `0x${part(43, 75)}`,
    signature: compact(part(75, 139)),
    facilitator: base === 159 ? `0x${part(139, 159)}` : null,
    approval: approvals[kind](),
  };
}

/** r, and s with the parity in its top bit (EIP-2098), as 65 bytes. */
function compact(hex) {
  const vs = BigInt(`0x${hex.slice(64)}`);
  const s = vs & ((1n << 255n) - 1n);
  return `0x${hex.slice(0, 64)}${s.toString(16).padStart(64, "0")}${vs >> 255n ? "1c" : "1b"}`;
}

function digestOf(blob, { purse, asset, nonce }, chainId, domainSeparator) {
  const { rail, payee, amount, validAfter, validBefore, facilitator } = blob;
  if (rail !== "eip3009") {
    const witness = facilitator ? { to: payee, facilitator, validAfter } : { to: payee, validAfter };
    const types = {
      TokenPermissions: fields("address token, uint256 amount"),
      Witness: fields(facilitator ? "address to, address facilitator, uint256 validAfter" : "address to, uint256 validAfter"),
      PermitWitnessTransferFrom: fields(
        "TokenPermissions permitted, address spender, uint256 nonce, uint256 deadline, Witness witness",
      ),
    };
    return hashTypedData({
      domain: { name: "Permit2", chainId, verifyingContract: PERMIT2 },
      types,
      primaryType: "PermitWitnessTransferFrom",
      message: {
        permitted: { token: asset, amount },
        spender: PROXIES[rail],
        nonce: BigInt(nonce),
        deadline: validBefore,
        witness,
      },
    });
  }
  const type = "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";
  const struct = encodeAbiParameters(
    ["bytes32", "address", "address", "uint256", "uint256", "uint256", "bytes32"].map(type => ({ type })),
    [keccak256(stringToBytes(type)), purse, payee, amount, validAfter, validBefore, nonce],
  );
  return keccak256(concat(["0x1901", domainSeparator, keccak256(struct)]));
}

function approvalOf({ payee, amount, validBefore, decisionHash }, { treasury, purse }, chainId, digest) {
  return hashTypedData({
    domain: treasuryDomain(chainId, treasury),
    types: {
      PaymentApproval: fields(
        "address purse, address payee, uint256 amount, uint256 validBefore, bytes32 decisionHash, bytes32 digest",
      ),
    },
    primaryType: "PaymentApproval",
    message: { purse, payee, amount, validBefore, decisionHash, digest },
  });
}

/** Whose seal a record carries; null where it is nobody's. */
export function sealer(primaryType, { payment, chainId }, recordHash, seal) {
  const digest = hashTypedData({
    domain: treasuryDomain(chainId, payment.treasury),
    types: { [primaryType]: fields("bytes32 recordHash") },
    primaryType,
    message: { recordHash },
  });
  return recovered(digest, seal);
}

/** Who signed a digest with these 65 bytes; null where nobody did. A high s is another form of one with a low s. */
export async function recovered(hash, signature) {
  if (signature.length !== 132 || BigInt(`0x${signature.slice(66, 130)}`) > HALF_N) return null;
  return recoverAddress({ hash, signature }).catch(() => null);
}

/** The nonce that commits to these, its low 64 bits zero. */
export function commitment(epoch, policyVersion, session, decisionHash) {
  const terms = toHex((BigInt(epoch) << 16n) | BigInt(policyVersion), { size: 32 });
  return `${keccak256(concat([terms, session, decisionHash])).slice(0, -16)}${"0".repeat(16)}`;
}

export function treasuryDomain(chainId, verifyingContract) {
  return { name: "Bursar Treasury", version: "1", chainId, verifyingContract };
}

export function fields(text) {
  return text.split(", ").map(field => {
    const [type, name] = field.split(" ");
    return { name, type };
  });
}
