/** Real Safes, two of three, as owner and as approver of a treasury. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { preparePayment } from "./support/buyer.mjs";
import { person, startChain } from "./support/chain.mjs";
import { PurseScheme } from "./support/purse.mjs";
import { deploySafes } from "./support/safe.mjs";
import { startFacilitator, startShop } from "./support/shop.mjs";
import { people, POLICY, ROLE, setUpTreasury, shopkeeper, UNIT } from "./support/treasury.mjs";

const [ann, bob, cleo] = ["Ann", "Bob", "Cleo"].map(name => person(`Safe owner ${name}`));
const OWNERS = [ann, bob, cleo];
const PRICE = 15n * UNIT;

describe("a treasury whose owner and approver are Safes", { timeout: 120_000 }, () => {
  let chain, org, service, shop, session, untouched, board, finance;

  before(async () => {
    chain = await startChain();
    org = await setUpTreasury(chain);
    const createSafe = await deploySafes(chain, people.relayer);
    board = await createSafe(OWNERS, 2);
    finance = await createSafe(OWNERS, 2);
    service = await startFacilitator(chain, people.facilitator);
    shop = await startShop(service.url, org.token, { "/report": { payTo: shopkeeper, amount: PRICE } });
    assert.ok(PRICE > POLICY.approvalThreshold);

    // The hand-over: the Safe gets the role, and the first that it does is to show that it can act.
    await chain.send(people.owner, org.treasury, "grantRole", [board.address, ROLE.owner]);
    await board.execute([ann, bob], org.treasury, "revokeRole", [people.owner.address, ROLE.owner]);
    await board.execute([bob, cleo], org.treasury, "grantRole", [finance.address, ROLE.approver]);
  });

  after(async () => {
    await shop?.stop();
    await service?.stop();
    await chain?.stop();
  });

  beforeEach(async () => {
    untouched = await chain.snapshot();
    session = await org.openSession(40n * UNIT);
  });

  afterEach(() => chain.revert(untouched));

  /* THE OWNER */

  const rolesOf = async ({ address }) => (await chain.read(org.treasury, "account", [address])).roles;

  it("is owned by the Safe alone after the hand-over", async () => {
    assert.equal(await rolesOf(board), ROLE.owner);
    assert.equal(await rolesOf(people.owner), 0);
    const { owners } = await chain.read(org.treasury, "organisation");
    assert.equal(owners, 1);
    const setDelay = chain.send(people.owner, org.treasury, "setDelay", [86_400]);
    await assert.rejects(setDelay, /RoleMissing/);
    await board.execute([ann, cleo], org.treasury, "setDelay", [86_400]);
    assert.equal((await chain.read(org.treasury, "organisation")).delay, 86_400);
  });

  it("never loses its last owner", async () => {
    const leaving = board.execute([ann, bob], org.treasury, "revokeRole", [board.address, ROLE.owner]);
    await assert.rejects(leaving);
    assert.equal(await rolesOf(board), ROLE.owner);
  });

  it("releases what a guardian froze once two of three have signed, and not before", async () => {
    const frozen = async () => (await chain.read(org.treasury, "envelope", [org.envelope])).frozen;
    await chain.send(people.guardian, org.treasury, "freezeEnvelope", [org.envelope]);
    for (const signers of [[ann], [ann, people.stranger], [people.owner, people.stranger]]) {
      await assert.rejects(board.execute(signers, org.treasury, "unfreezeEnvelope", [org.envelope]), /GS0/);
    }
    // Nor may the Safe that only approves, whoever signs for it.
    await assert.rejects(finance.execute(OWNERS, org.treasury, "unfreezeEnvelope", [org.envelope]));
    assert.equal(await frozen(), true);
    await board.execute([cleo, bob], org.treasury, "unfreezeEnvelope", [org.envelope]);
    assert.equal(await frozen(), false);
  });

  it("withdraws by the Safe alone", async () => {
    const withdrawal = [org.envelope, board.address, 5n * UNIT];
    await assert.rejects(chain.send(people.owner, org.treasury, "withdraw", withdrawal), /RoleMissing/);
    await board.execute([ann, bob], org.treasury, "withdraw", withdrawal);
    assert.equal(await org.balanceOf(board.address), 5n * UNIT);
  });

  /* THE APPROVER */

  /** The payment that the Safe approved by these signers; `asked` may turn the digest into another one. */
  async function approvedBy(signers, { safe = finance, asked = hash => hash } = {}) {
    const approver = { address: safe.address, proof: hash => safe.sign(signers, asked(hash)) };
    const scheme = new PurseScheme({ session, decision: "buy /report", now: await chain.now(), approver });
    return preparePayment(shop, "/report", scheme);
  }

  async function assertRefused(payment, refusal) {
    const held = await org.balanceOf(org.purse);
    const answer = await payment.send();
    assert.equal(answer.status, 402);
    assert.equal(answer.header.error, "invalid_exact_evm_signature");
    assert.equal(await org.diagnose(org.purse, payment.digest, payment.blob), refusal);
    assert.equal(await org.balanceOf(org.purse), held);
  }

  it("settles what two of three approved, whichever two", async () => {
    const before = await org.balanceOf(shopkeeper);
    const answer = await (await approvedBy([ann, cleo])).send();
    assert.equal(answer.status, 200);
    assert.equal(answer.paymentStatus, "settled");
    assert.equal(await org.balanceOf(shopkeeper), before + PRICE);
  });

  it("refuses what one approved, or one and a stranger, or one twice", async () => {
    for (const signers of [[ann], [bob, people.stranger], [ann, ann]]) {
      await assertRefused(await approvedBy(signers), "ApprovalInvalid");
    }
  });

  it("refuses what two approved of another payment", async () => {
    const asked = () => `0x${"5a".repeat(32)}`;
    await assertRefused(await approvedBy([ann, bob], { asked }), "ApprovalInvalid");
  });

  it("refuses what another Safe of the same people approved", async () => {
    await assertRefused(await approvedBy([ann, bob], { safe: board }), "ApproverNotAuthorized");
  });

  it("refuses what two approved before one of them left", async () => {
    const payment = await approvedBy([ann, bob]);
    // A Safe keeps its owners as a list, each behind the one before.
    assert.deepEqual(
      await chain.read(finance, "getOwners"),
      OWNERS.map(({ address }) => address),
    );
    await finance.execute([ann, cleo], finance, "removeOwner", [ann.address, bob.address, 2n]);
    await assertRefused(payment, "ApprovalInvalid");
  });
});
