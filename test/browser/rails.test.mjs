/** Payments of other rails and other approvers than most, held against the chain in their pages. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { setSettlementOverrides } from "@x402/express";
import { hashTypedData } from "viem";

import { person } from "../reference/support/chain.mjs";
import { installPermit2 } from "../reference/support/permit2.mjs";
import { deploySafes } from "../reference/support/safe.mjs";
import { people, ROLE, shopkeeper, UNIT } from "../reference/support/treasury.mjs";
import { visit } from "./support/browser.mjs";
import { setStage } from "./support/stage.mjs";
import { assertFails, lying, MINE, pathOf, THEIRS, verified } from "./support/verifying.mjs";
import { installWallet } from "./support/wallet.mjs";

const EXACT = 4n * UNIT;
const MOST = 6n * UNIT;
const CHARGED = 2n * UNIT;
const LARGE = 15n * UNIT;

/** What holds of agents without a stamp, under a policy whose text nobody has handed in; the others are unchecked. */
const HOLD = ["block", "settlement", "session", "signature", "record", "seal", "approval", "outcome", "log"];

describe("a payment's page", { timeout: 600_000 }, () => {
  let stage, chain, org, shop, bursar, context, page, problems, owners, safe, exact, upto, large;

  before(async () => {
    const goods = (amount, more) => ({ payTo: shopkeeper, amount, ...more });
    stage = await setStage({
      goods: {
        "/exact": goods(EXACT, { scheme: "exact", extra: { assetTransferMethod: "permit2" } }),
        "/upto": goods(MOST, { scheme: "upto" }),
        "/report": goods(LARGE),
      },
    });
    ({ chain, org, shop, bursar } = stage);
    await installPermit2(chain);
    await org.setPermit2(true);
    owners = ["Ann", "Bob", "Cleo"].map(name => person(`Safe owner ${name}`));
    safe = await (await deploySafes(chain, people.relayer))(owners, 2);
    await chain.send(people.owner, org.treasury, "grantRole", [safe.address, ROLE.approver]);
    await done(bursar.agent("open", "--budget", String(40n * UNIT)));
    await bursar.caughtUp();
    await done(pay("exact"));
    shop.whileServing = async response => setSettlementOverrides(response, { amount: String(CHARGED) });
    await done(pay("upto"));
    shop.whileServing = async () => {};
    await approvedByTheSafe();
    await bursar.caughtUp();
    const { items } = await bursar.json("/v1/payments?limit=3");
    [large, upto, exact] = items;
    for (const { purse, nonce } of items) await bursar.recorded(purse, nonce);
  });

  after(() => stage?.stop());

  beforeEach(async () => {
    ({ context, page, problems } = await visit(stage.browser));
    await installWallet(context, chain, people.stranger);
  });

  afterEach(async () => {
    await context?.close();
    assert.deepEqual(problems, []);
  });

  async function done({ ended }) {
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
  }

  const pay = what =>
    bursar.agent("pay", "--why", `The ${what} one.`, "--task", "weekly brief", "--patience", "900", `${shop.url}/${what}`);

  /** By two of its three owners. */
  async function approvedByTheSafe() {
    const agent = pay("report");
    const digest = await bursar.askedBeside([]);
    const typed = await bursar.json(`/v1/approval-requests/${digest}/typed-data`);
    const { EIP712Domain: _, ...types } = typed.types;
    const signature = await safe.sign(owners.slice(0, 2), hashTypedData({ ...typed, types }));
    const body = { approver: safe.address, signature, kind: "contract" };
    await bursar.post(`/v1/approval-requests/${digest}/approval`, body);
    await done(agent);
  }

  function assertHolds(found) {
    assertFails(found, []);
    for (const link of HOLD) assert.equal(found[link].outcome, "holds", `${link}: ${found[link].text}`);
  }

  for (const [rail, which] of [["permit2_exact", () => exact], ["permit2_upto", () => upto]]) {
    it(`verifies a payment by ${rail}, whose nonce no log has`, async () => {
      const paid = which();
      assert.equal(paid.rail, rail);
      await page.goto(bursar.url + pathOf(paid));
      for (const way of [MINE, THEIRS]) {
        const found = await verified(page, way);
        assertHolds(found);
        assert.equal(found.nonce.outcome, "unchecked");
        assert.ok(found.nonce.text.includes("Permit2 logs no nonce"), found.nonce.text);
      }
    });
  }

  it("takes what was charged, and no other transfer than the one that was signed for", async () => {
    assert.deepEqual([upto.amount, exact.amount], [String(CHARGED), String(EXACT)]);
    await lying(page, ({ payment }) => (payment.logIndex += 1));
    await page.goto(bursar.url + pathOf(upto));
    assertFails(await verified(page, MINE), ["settlement"]);
    await page.unroute("**/evidence");
    // A key that no transaction tells of has signed nothing here.
    await lying(page, ({ session }) => (session.key = people.stranger.address));
    await page.goto(bursar.url + pathOf(exact));
    assertFails(await verified(page, MINE), ["session"]);
  });

  it("asks the contract that approved what it has signed, as it stood then", async () => {
    const assertApproved = async () => {
      await page.goto(bursar.url + pathOf(large));
      for (const way of [MINE, THEIRS]) {
        const found = await verified(page, way);
        assertHolds(found);
        assert.equal(found.nonce.outcome, "holds", found.nonce.text);
        assert.ok(found.approval.text.includes(safe.address), found.approval.text);
      }
    };
    assert.equal(large.approver, safe.address);
    await assertApproved();
    // From now on two are too few; then they were enough.
    await safe.execute(owners.slice(0, 2), safe, "changeThreshold", [3n]);
    await bursar.caughtUp();
    await assertApproved();
  });
});
