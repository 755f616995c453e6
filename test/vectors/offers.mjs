/**
 * Signed offers and receipts, as the reference implementation of x402's `offer-receipt` extension makes them. Only
 * the times and the keys are ours, so that the same is signed every time.
 */
import { createPrivateKey, sign } from "node:crypto";

import { ed25519 } from "@noble/curves/ed25519";
import { p256 } from "@noble/curves/nist";
import { secp256k1 } from "@noble/curves/secp256k1";
import { base58 } from "@scure/base";
import { createJWS, signOfferEIP712, signReceiptEIP712 } from "@x402/extensions/offer-receipt";
import { hexToBytes, keccak256, stringToHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const bytes = name => hexToBytes(keccak256(stringToHex(`bursar offer vector: ${name}`)));
const account = name => privateKeyToAccount(keccak256(stringToHex(`bursar offer vector: ${name}`)));
const base64url = data => Buffer.from(data).toString("base64url");

const ASKED = {
  resourceUrl: "https://api.example/v1/quotes?symbols=ABC",
  scheme: "exact",
  network: "eip155:8453",
  asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
  payTo: account("payee").address,
  amount: "20000",
};
const PAYER = account("purse").address;
const NOW = 1_800_000_000;
const TRANSACTION = keccak256(stringToHex("transaction"));

const offerPayload = { version: 1, ...ASKED, validUntil: NOW + 300 };
const receiptPayload = {
  version: 1,
  network: ASKED.network,
  resourceUrl: ASKED.resourceUrl,
  payer: PAYER,
  issuedAt: NOW + 2,
};

function jwk(curve, point) {
  const key = { kty: "EC", crv: curve, x: base64url(point.slice(1, 33)), y: base64url(point.slice(33, 65)) };
  return `did:jwk:${base64url(JSON.stringify(key))}`;
}

function multibase(codec, key) {
  return `did:key:z${base58.encode(Uint8Array.from([...codec, ...key]))}`;
}

function ed25519Signer(name) {
  const secret = bytes(name);
  // PKCS #8 around the 32 bytes.
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), secret]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const did = multibase([0xed, 0x01], ed25519.getPublicKey(secret));
  const signed = async input => base64url(sign(null, input, key));
  return { algorithm: "EdDSA", kid: `${did}#${did.slice(8)}`, signer: did, sign: signed };
}

function ecdsaSigner(name, curve, algorithm, did) {
  const secret = bytes(name);
  const kid = did(secret);
  const signed = async input => base64url(curve.sign(input, secret, { prehash: true, lowS: false }).toCompactRawBytes());
  return { algorithm, kid, signer: kid, sign: signed };
}

const KEYS = {
  ed25519: ed25519Signer("ed25519"),
  secp256k1: ecdsaSigner("secp256k1", secp256k1, "ES256K", secret => jwk("secp256k1", secp256k1.getPublicKey(secret, false))),
  p256: ecdsaSigner("p256", p256, "ES256", secret => multibase([0x80, 0x24], p256.getPublicKey(secret, true))),
};

async function byAccount(name) {
  const signer = account(name);
  const typed = data => signer.signTypedData(data);
  const receipt = { ...receiptPayload, transaction: TRANSACTION };
  return {
    name: `eip712 ${name}`,
    signer: signer.address,
    offer: {
      format: "eip712",
      acceptIndex: 0,
      payload: offerPayload,
      signature: await signOfferEIP712(offerPayload, typed),
    },
    receipt: { format: "eip712", payload: receipt, signature: await signReceiptEIP712(receipt, typed) },
  };
}

async function byKey([name, signer]) {
  return {
    name: `jws ${name}`,
    signer: signer.signer,
    offer: { format: "jws", acceptIndex: 0, signature: await createJWS(offerPayload, signer) },
    receipt: { format: "jws", signature: await createJWS(receiptPayload, signer) },
  };
}

/** What is asked and paid, and who signed it how. */
export async function offers() {
  const accounts = await Promise.all(["payee", "server"].map(byAccount));
  const keys = await Promise.all(Object.entries(KEYS).map(byKey));
  return { asked: ASKED, payer: PAYER, now: NOW, transaction: TRANSACTION, signed: [...accounts, ...keys] };
}
