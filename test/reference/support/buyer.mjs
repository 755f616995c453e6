import { x402Client } from "@x402/core/client";
import { x402HTTPClient } from "@x402/core/http";
import { getAddress } from "viem";

import { CHAIN_ID, NETWORK } from "./chain.mjs";
import { transferDigest } from "./payment.mjs";
import { permitDigest } from "./permit2.mjs";

/** Asks the shop what `path` costs, and lets `scheme` make the payment: nothing is sent yet. */
export async function preparePayment(shop, path, scheme) {
  const client = new x402HTTPClient(
    // The stock spending control knows no token of a local chain.
    x402Client.fromConfig({ schemes: [{ network: NETWORK, client: scheme }], spendControls: false }),
  );
  const unpaid = await fetch(shop.url + path);
  if (unpaid.status !== 402) throw new Error(`expected 402 before payment, got ${unpaid.status}`);
  await unpaid.arrayBuffer();
  const required = client.getPaymentRequiredResponse(name => unpaid.headers.get(name));
  const payload = await client.createPaymentPayload(required);
  return {
    payload,
    requirements: payload.accepted,
    authorization: payload.payload.authorization ?? payload.payload.permit2Authorization,
    blob: payload.payload.signature,
    digest: digestOf(payload),
    /** Fetches `path` with the payment; `{status, paymentStatus, body, header}`. */
    async send() {
      const headers = client.encodePaymentSignatureHeader(payload);
      return client.processResponse(await fetch(shop.url + path, { headers }));
    },
  };
}

/** What the token, or Permit2, will ask the purse about: recomputed from what the facilitator gets. */
function digestOf({ accepted, payload: { authorization, permit2Authorization } }) {
  if (permit2Authorization) return permitDigest(permit2Authorization);
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  return transferDigest({
    token: { address: getAddress(accepted.asset), ...accepted.extra },
    chainId: CHAIN_ID,
    purse: from,
    payment: {
      payee: to,
      amount: BigInt(value),
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
    },
    nonce,
  });
}
