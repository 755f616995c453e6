import { once } from "node:events";

import { x402Facilitator } from "@x402/core/facilitator";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { registerExactEvmScheme } from "@x402/evm/exact/facilitator";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { UptoEvmScheme as UptoFacilitatorScheme } from "@x402/evm/upto/facilitator";
import { UptoEvmScheme as UptoServerScheme } from "@x402/evm/upto/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import express from "express";

import { NETWORK } from "./chain.mjs";

/** Serves an app on a free port of 127.0.0.1. */
async function serve(app) {
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      // Clients keep connections open for a next request that never comes.
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The reference facilitator, unmodified, behind the three routes that resource servers expect. */
export async function startFacilitator(chain, account) {
  const signer = toFacilitatorEvmSigner({ ...chain.wallet(account), address: account.address });
  const facilitator = registerExactEvmScheme(new x402Facilitator(), { signer, networks: NETWORK });
  facilitator.register(NETWORK, new UptoFacilitatorScheme(signer));

  const app = express().use(express.json());
  app.get("/supported", (_, response) => response.json(facilitator.getSupported()));
  app.post("/verify", async ({ body }, response) => {
    response.json(await facilitator.verify(body.paymentPayload, body.paymentRequirements));
  });
  app.post("/settle", async ({ body }, response) => {
    response.json(await facilitator.settle(body.paymentPayload, body.paymentRequirements));
  });
  return { ...(await serve(app)), facilitator };
}

/**
 * A paid API behind the reference middleware, unmodified.
 * @param goods `path => {payTo, amount, scheme, extra}`, in atomic units of `token`; `exact` by EIP-3009 where the
 * last two are missing.
 * @returns Its address, and `whileServing`, which a test sets to act between verification and settlement; it gets
 * the response.
 */
export async function startShop(facilitatorUrl, token, goods) {
  const shop = { whileServing: async () => {} };
  const resourceServer = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitatorUrl }))
    .register(NETWORK, new ExactEvmScheme())
    .register(NETWORK, new UptoServerScheme());
  const routes = Object.fromEntries(
    Object.entries(goods).map(([path, { payTo, amount, scheme = "exact", extra }]) => [
      `GET ${path}`,
      {
        accepts: {
          scheme,
          network: NETWORK,
          payTo,
          price: {
            amount: amount.toString(),
            asset: token.address,
            extra: { name: token.name, version: token.version, ...extra },
          },
          maxTimeoutSeconds: 60,
        },
        description: `Sells ${path}`,
      },
    ]),
  );

  const app = express().use(paymentMiddleware(routes, resourceServer));
  for (const path of Object.keys(goods)) {
    app.get(path, async (_, response) => {
      await shop.whileServing(response);
      response.json({ sold: path });
    });
  }
  return Object.assign(shop, await serve(app));
}
