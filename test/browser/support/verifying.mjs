/** A payment's page, where it is held against the chain. */
import assert from "node:assert/strict";

/** Through the reader's wallet, or by the server's node. */
export const MINE = "Verify through my wallet";
export const THEIRS = "Ask this server's node";

/** What a payment hangs by. */
export const LINKS = [
  "block", "settlement", "nonce", "session", "signature", "stamp", "issuers", "policy", "record", "words", "seal", "approval",
  "outcome", "log", "checkpoint", "anchor",
];

export const pathOf = ({ purse, nonce }) => `/payments/${purse}/${nonce}`;

/** How each link came out, once all are told. */
export async function verified(page, way) {
  await page.getByRole("button", { name: way }).click();
  await page.getByRole("status").getByText("links hold").waitFor();
  const lines = await page.locator("#checks > li").evaluateAll(items =>
    items.map(({ id, dataset, innerText }) => [id.replace("check-", ""), dataset.outcome, innerText]),
  );
  return Object.fromEntries(lines.map(([link, outcome, text]) => [link, { outcome, text }]));
}

/** That those links fail, and no others. */
export function assertFails(found, links) {
  const fails = LINKS.filter(link => found[link].outcome === "fails");
  assert.deepEqual(fails, links, JSON.stringify(found, null, 1));
}

/** The evidence is of something else on its way to the page, as a service that lies would have it. */
export async function lying(page, change) {
  await page.route("**/evidence", async route => {
    const response = await route.fetch();
    const evidence = await response.json();
    change(evidence);
    await route.fulfill({ response, json: evidence });
  });
}
