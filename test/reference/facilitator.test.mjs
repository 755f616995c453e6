/**
 * The reference facilitator, server and client of x402 in TypeScript, unmodified, against the real contracts:
 * to them a purse is an ordinary smart wallet.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { ExactEvmScheme as StockScheme } from "@x402/evm/exact/client";
import { concat, keccak256, parseEventLogs, slice, stringToHex } from "viem";

import { preparePayment } from "./support/buyer.mjs";
import { NETWORK, person, startChain } from "./support/chain.mjs";
import { PurseScheme } from "./support/purse.mjs";
import { startFacilitator, startShop } from "./support/shop.mjs";
import { outsider, people, POLICY, ROLE, setUpTreasury, shopkeeper, UNIT } from "./support/treasury.mjs";

const BUDGET = 40n * UNIT;
const GOODS = {
  "/quote": { payTo: shopkeeper, amount: 1n * UNIT },
  "/threshold": { payTo: shopkeeper, amount: 10n * UNIT },
  "/report": { payTo: shopkeeper, amount: 15n * UNIT },
  "/cap": { payTo: shopkeeper, amount: 20n * UNIT },
  "/archive": { payTo: shopkeeper, amount: 20n * UNIT + 1n },
  "/elsewhere": { payTo: outsider, amount: 1n * UNIT },
};
const INVALID_SIGNATURE = "invalid_exact_evm_signature";
/** Settling does not simulate again by default, so what the token says comes out as a failed transaction. */
const REVERTED = "invalid_exact_evm_transaction_failed";

describe("the TypeScript reference of x402", { timeout: 120_000 }, () => {
  let chain, org, service, shop, session, untouched;

  before(async () => {
    chain = await startChain();
    org = await setUpTreasury(chain);
    service = await startFacilitator(chain, people.facilitator);
    shop = await startShop(service.url, org.token, GOODS);
  });

  after(async () => {
    await shop?.stop();
    await service?.stop();
    await chain?.stop();
  });

  beforeEach(async () => {
    untouched = await chain.snapshot();
    session = await org.openSession(BUDGET);
  });

  afterEach(async () => {
    shop.whileServing = async () => {};
    await chain.revert(untouched);
  });

  /* VERBS */

  async function prepare(path, options = {}) {
    const scheme = new PurseScheme({ session, decision: `buy ${path}`, now: await chain.now(), ...options });
    return preparePayment(shop, path, scheme);
  }

  async function holdings() {
    const [purse, listed, unlisted] = await Promise.all([org.purse, shopkeeper, outsider].map(org.balanceOf));
    return { purse, listed, unlisted };
  }

  function used({ authorization: { from, nonce } }) {
    return chain.read(org.token, "authorizationState", [from, nonce]);
  }

  /** Through the shop, and asked directly to verify and to settle: nobody takes it, and nothing moves. */
  async function assertRefused(payment, { refusal, verdict = INVALID_SIGNATURE, onSettle = verdict }) {
    const before = await holdings();
    const usedBefore = await used(payment);

    const answer = await payment.send();
    assert.equal(answer.status, 402);
    assert.equal(answer.header.error, verdict);

    const verified = await service.facilitator.verify(payment.payload, payment.requirements);
    assert.equal(verified.isValid, false);
    assert.equal(verified.invalidReason, verdict);

    const settled = await service.facilitator.settle(payment.payload, payment.requirements);
    assert.equal(settled.success, false);
    assert.equal(settled.errorReason, onSettle);

    assert.deepEqual(await holdings(), before);
    assert.equal(await used(payment), usedBefore);
    assert.equal(await org.diagnose(org.purse, payment.digest, payment.blob), refusal);
  }

  async function assertPaid(payment, amount) {
    const before = await holdings();
    const answer = await payment.send();
    assert.equal(answer.status, 200);
    assert.equal(answer.paymentStatus, "settled");
    assert.equal(answer.header.success, true);
    assert.equal(answer.header.payer, org.purse);
    assert.equal(answer.header.network, NETWORK);
    assert.deepEqual(await holdings(), {
      ...before,
      purse: before.purse - amount,
      listed: before.listed + amount,
    });
    return answer;
  }

  /** An approver whose code gives the same EIP-1271 answer to everything. */
  async function contractApprover(name, answer) {
    const { address } = person(name);
    // push4 answer, push1 224, shl, push0, mstore, push1 32, push0, return
    await chain.place(address, concat(["0x63", answer, "0x60e01b5f5260205ff3"]));
    await chain.send(people.owner, org.treasury, "grantRole", [address, ROLE.approver]);
    return { address, proof: stringToHex("signatures of several people".repeat(8)) };
  }

  /* WHAT SETTLES */

  it("settles an ordinary payment, and the chain shows the nonce that commits to the decision", async () => {
    const payment = await prepare("/quote");
    assert.deepEqual(await service.facilitator.verify(payment.payload, payment.requirements), {
      isValid: true,
      invalidReason: undefined,
      payer: org.purse,
    });
    assert.equal(await org.diagnose(org.purse, payment.digest, payment.blob), "None");

    const answer = await assertPaid(payment, 1n * UNIT);
    assert.deepEqual(answer.body, { sold: "/quote" });

    const { logs } = await chain.reader.getTransactionReceipt({ hash: answer.header.transaction });
    const [{ args }] = parseEventLogs({ ...org.token, eventName: "AuthorizationUsed", logs });
    const decisionHash = keccak256(stringToHex("buy /quote"));
    const scheme = new PurseScheme({ session });
    assert.deepEqual(args, { authorizer: org.purse, nonce: scheme.nonce(decisionHash) });
    assert.equal(BigInt(args.nonce) & ((1n << 64n) - 1n), 0n);
  });

  it("settles when asked directly, without a server in between", async () => {
    const payment = await prepare("/quote");
    const before = await holdings();
    const settled = await service.facilitator.settle(payment.payload, payment.requirements);
    assert.equal(settled.success, true);
    assert.equal((await holdings()).listed, before.listed + 1n * UNIT);
    assert.equal(await used(payment), true);
  });

  it("settles exactly the approval threshold without an approval", async () => {
    assert.equal(GOODS["/threshold"].amount, POLICY.approvalThreshold);
    await assertPaid(await prepare("/threshold"), 10n * UNIT);
  });

  it("settles an approved payment above the threshold", async () => {
    await assertPaid(await prepare("/report", { approver: people.approver }), 15n * UNIT);
  });

  it("settles what a contract approved (EIP-1271), and not what it rejects", async () => {
    const approver = await contractApprover("contract approver", "0x1626ba7e");
    await assertPaid(await prepare("/report", { approver }), 15n * UNIT);

    await contractApprover("contract approver", "0xffffffff");
    const payment = await prepare("/report", { approver, decision: "once more" });
    await assertRefused(payment, { refusal: "ApprovalInvalid" });
  });

  it("settles exactly the cap with an approval", async () => {
    assert.equal(GOODS["/cap"].amount, POLICY.paymentCap);
    await assertPaid(await prepare("/cap", { approver: people.approver }), 20n * UNIT);
  });

  it("settles two decisions for the same thing", async () => {
    await assertPaid(await prepare("/quote", { decision: "first" }), 1n * UNIT);
    await assertPaid(await prepare("/quote", { decision: "second" }), 1n * UNIT);
  });

  /* WHAT THE RULES REFUSE */

  it("refuses one unit above the cap, approved or not", async () => {
    await assertRefused(await prepare("/archive"), { refusal: "PaymentCapExceeded" });
    const approved = await prepare("/archive", { approver: people.approver });
    await assertRefused(approved, { refusal: "PaymentCapExceeded" });
  });

  it("refuses a payee off the list", async () => {
    await assertRefused(await prepare("/elsewhere"), { refusal: "PayeeNotListed" });
  });

  it("refuses a payment above the threshold without approval", async () => {
    await assertRefused(await prepare("/report"), { refusal: "ApprovalMissing" });
  });

  it("refuses an approval by somebody without the role", async () => {
    const payment = await prepare("/report", { approver: people.stranger });
    await assertRefused(payment, { refusal: "ApproverNotAuthorized" });
  });

  it("refuses an approval by agent, session key or policy author, even with the role", async () => {
    for (const approver of [people.agent, session.key, people.policyManager]) {
      await chain.send(people.owner, org.treasury, "grantRole", [approver.address, ROLE.approver]);
      await assertRefused(await prepare("/report", { approver }), { refusal: "ApproverNotAuthorized" });
    }
  });

  it("refuses an approval that was given for another payment", async () => {
    const cheap = await prepare("/threshold", { approver: people.approver });
    const dear = await prepare("/report", { approver: people.approver });
    const moved = concat([slice(dear.blob, 0, 139), slice(cheap.blob, 139)]);
    dear.payload.payload.signature = moved;
    await assertRefused({ ...dear, blob: moved }, { refusal: "ApproverNotAuthorized" });
  });

  it("refuses a nonce that commits to nothing", async () => {
    const nonce = keccak256(stringToHex("random"));
    await assertRefused(await prepare("/quote", { nonce }), { refusal: "DigestMismatch" });
  });

  it("refuses a nonce that commits to another decision", async () => {
    const nonce = new PurseScheme({ session }).nonce(keccak256(stringToHex("another decision")));
    await assertRefused(await prepare("/quote", { nonce }), { refusal: "DigestMismatch" });
  });

  it("refuses a forged session key, and the agent's identity key in its place", async () => {
    for (const signer of [people.stranger, people.agent]) {
      await assertRefused(await prepare("/quote", { signer }), { refusal: "SessionKeyMismatch" });
    }
  });

  it("refuses what the stock client signs, although it holds the session key", async () => {
    const signer = { address: org.purse, signTypedData: data => session.key.signTypedData(data) };
    const payment = await preparePayment(shop, "/quote", new StockScheme(signer));
    await assertRefused(payment, { refusal: "SignatureMalformed" });
  });

  it("refuses a payment that the last session signed", async () => {
    const stale = await prepare("/quote");
    await org.openSession(BUDGET);
    await assertRefused(stale, { refusal: "DigestMismatch" });
  });

  /* WHAT THE TOKEN REFUSES */

  it("refuses the replay of a settled payment, and the same decision signed again", async () => {
    const payment = await prepare("/quote");
    await assertPaid(payment, 1n * UNIT);
    const replayed = { refusal: "None", verdict: "invalid_exact_evm_nonce_already_used", onSettle: REVERTED };
    await assertRefused(payment, replayed);

    await chain.passTo((await chain.now()) + 5n);
    const again = await prepare("/quote");
    assert.notEqual(again.blob, payment.blob);
    assert.equal(again.authorization.nonce, payment.authorization.nonce);
    await assertRefused(again, replayed);
  });

  it("refuses more than the session's budget has left", async () => {
    session = await org.openSession(1n * UNIT - 1n);
    await assertRefused(await prepare("/quote"), {
      refusal: "None",
      verdict: "invalid_exact_evm_insufficient_balance",
      onSettle: REVERTED,
    });
    assert.deepEqual(await org.preview(shopkeeper, 1n * UNIT), {
      refusal: "SessionBudgetExceeded",
      limit: 1n * UNIT - 1n,
      actual: 1n * UNIT,
    });
  });

  /* WHAT STOPS A SIGNED PAYMENT */

  const { guardian, policyManager } = people;
  const stops = {
    EnvelopeFrozen: () => chain.send(guardian, org.treasury, "freezeEnvelope", [org.envelope]),
    OrganisationFrozen: () => chain.send(guardian, org.treasury, "freezeOrganisation"),
    SessionFrozen: () => chain.send(guardian, org.treasury, "freezeSession", [org.purse]),
    SessionUnknown: () => chain.send(guardian, org.treasury, "closeSession", [org.purse, "0x"]),
    SessionExpired: () => chain.passTo(session.expiry),
    PolicyChanged: () => chain.send(policyManager, org.treasury, "setPolicy", [org.envelope, POLICY]),
    PayeeNotListed: () => chain.send(guardian, org.treasury, "unlistPayee", [POLICY.payeeList, shopkeeper]),
  };

  for (const [refusal, stop] of Object.entries(stops)) {
    it(`refuses an outstanding payment once the chain says ${refusal}`, async () => {
      const payment = await prepare("/quote");
      const verified = await service.facilitator.verify(payment.payload, payment.requirements);
      assert.equal(verified.isValid, true);
      await stop();
      await assertRefused(payment, { refusal });
    });
  }

  it("stops an approved payment as well", async () => {
    const payment = await prepare("/report", { approver: people.approver });
    await stops.EnvelopeFrozen();
    await assertRefused(payment, { refusal: "EnvelopeFrozen" });
  });

  it("keeps the money when the freeze comes between verification and settlement", async () => {
    const before = await holdings();
    let served = 0;
    shop.whileServing = async () => {
      served += 1;
      await stops.EnvelopeFrozen();
    };
    const payment = await prepare("/quote");
    const answer = await payment.send();

    // The handler ran, so the facilitator had verified; the buyer gets nothing, because it did not settle.
    assert.equal(served, 1);
    assert.equal(answer.status, 402);
    assert.equal(answer.paymentStatus, "settle_failed");
    assert.equal(answer.header.errorReason, INVALID_SIGNATURE);
    assert.notDeepEqual(answer.body, { sold: "/quote" });
    assert.deepEqual(await holdings(), before);
    assert.equal(await used(payment), false);
  });

  it("never settles what was signed before the owner released the envelope", async () => {
    const payment = await prepare("/quote");
    await stops.EnvelopeFrozen();
    await assertRefused(payment, { refusal: "EnvelopeFrozen" });
    await chain.send(people.owner, org.treasury, "unfreezeEnvelope", [org.envelope]);
    await assertRefused(payment, { refusal: "PolicyChanged" });
    session = await org.openSession(BUDGET);
    await assertRefused(payment, { refusal: "DigestMismatch" });
    await assertPaid(await prepare("/quote"), 1n * UNIT);
  });

  it("never settles what was signed before the owner released the organisation, whose session runs on", async () => {
    const payment = await prepare("/quote");
    await stops.OrganisationFrozen();
    await assertRefused(payment, { refusal: "OrganisationFrozen" });
    await chain.send(people.owner, org.treasury, "unfreezeOrganisation");
    await assertRefused(payment, { refusal: "DigestMismatch" });
    session = await org.refresh(session);
    await assertPaid(await prepare("/quote"), 1n * UNIT);
  });

  it("ends an incident as docs/OPERATIONS.md says: freeze, rotate, settle, resume", async () => {
    const outstanding = await prepare("/quote");
    const escrowed = async () => (await chain.read(org.treasury, "envelope", [org.envelope])).escrow;
    const drawn = await escrowed();
    const newAgent = person("agent after rotation");

    await stops.EnvelopeFrozen();
    await chain.send(people.owner, org.treasury, "setAgent", [org.envelope, newAgent.address]);
    await stops.SessionUnknown();
    assert.equal(await escrowed(), drawn + BUDGET);
    await chain.send(people.owner, org.treasury, "unfreezeEnvelope", [org.envelope]);

    await assert.rejects(org.openSession(BUDGET), /SessionRefused/);
    session = await org.openSession(BUDGET, newAgent);
    await assertRefused(outstanding, { refusal: "DigestMismatch" });
    await assertPaid(await prepare("/quote"), 1n * UNIT);
  });

  /* WITHOUT A FACILITATOR'S CHECKS */

  it("is refused by the token itself when a facilitator checks nothing", async () => {
    const payment = await prepare("/report");
    const { from, to, value, validAfter, validBefore, nonce } = payment.authorization;
    const args = [from, to, BigInt(value), BigInt(validAfter), BigInt(validBefore), nonce, payment.blob];
    await assert.rejects(
      chain.send(people.facilitator, org.token, "transferWithAuthorization", args),
      /ERC3009InvalidSignature/,
    );
  });
});
