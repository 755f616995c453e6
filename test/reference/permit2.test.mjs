/**
 * The rails through Permit2: the reference facilitator and server of x402, unmodified, for `exact` with
 * `assetTransferMethod: "permit2"` and for `upto`; the real Permit2; stand-ins for the proxies.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { ExactEvmScheme as StockScheme } from "@x402/evm/exact/client";
import { setSettlementOverrides } from "@x402/express";
import { concat, parseEventLogs, slice } from "viem";

import { preparePayment } from "./support/buyer.mjs";
import { startChain } from "./support/chain.mjs";
import {
  exactProxy,
  installPermit2,
  permit2,
  Permit2PurseScheme,
  uptoProxy,
  UptoPurseScheme,
} from "./support/permit2.mjs";
import { PurseScheme } from "./support/purse.mjs";
import { startFacilitator, startShop } from "./support/shop.mjs";
import { outsider, people, POLICY, setUpTreasury, shopkeeper, UNIT } from "./support/treasury.mjs";

const BUDGET = 40n * UNIT;
const NO_EXTRA = {};
const RAILS = {
  exact: { Scheme: Permit2PurseScheme, offer: { scheme: "exact", extra: { assetTransferMethod: "permit2" } } },
  upto: { Scheme: UptoPurseScheme, offer: { scheme: "upto", extra: NO_EXTRA } },
};
const INVALID_SIGNATURE = "invalid_permit2_signature";
/** What the facilitator says where the purse would, but Permit2 would not. */
const SIMULATION_FAILED = "permit2_simulation_failed";
/** `exact` does not simulate again when it settles, so what Permit2 says comes out as a failed transaction. */
const REVERTED = "invalid_exact_evm_transaction_failed";

const PRICES = {
  quote: [shopkeeper, 1n * UNIT],
  threshold: [shopkeeper, POLICY.approvalThreshold],
  report: [shopkeeper, POLICY.approvalThreshold + 1n],
  cap: [shopkeeper, POLICY.paymentCap],
  archive: [shopkeeper, POLICY.paymentCap + 1n],
  elsewhere: [outsider, 1n * UNIT],
};
const GOODS = Object.fromEntries(
  Object.entries(PRICES).flatMap(([name, [payTo, amount]]) => [
    ...Object.entries(RAILS).map(([rail, { offer }]) => [`/${rail}/${name}`, { payTo, amount, ...offer }]),
    [`/plain/${name}`, { payTo, amount }],
  ]),
);

describe("the rails through Permit2", { timeout: 240_000 }, () => {
  let chain, org, service, shop, session, untouched;

  before(async () => {
    chain = await startChain();
    await installPermit2(chain);
    org = await setUpTreasury(chain);
    await org.setPermit2(true);
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
    const Scheme = RAILS[path.split("/")[1]]?.Scheme ?? PurseScheme;
    const scheme = new Scheme({ session, decision: `buy ${path}`, now: await chain.now(), ...options });
    return preparePayment(shop, path, scheme);
  }

  async function holdings() {
    const [purse, listed, unlisted] = await Promise.all([org.purse, shopkeeper, outsider].map(org.balanceOf));
    return { purse, listed, unlisted };
  }

  async function assertPaid(payment, amount) {
    const before = await holdings();
    const answer = await payment.send();
    assert.equal(answer.status, 200);
    assert.equal(answer.paymentStatus, "settled");
    assert.equal(answer.header.payer, org.purse);
    assert.deepEqual(await holdings(), {
      ...before,
      purse: before.purse - amount,
      listed: before.listed + amount,
    });
    return answer;
  }

  /** Through the shop, and asked directly to verify and to settle: nobody takes it, and nothing moves. */
  async function assertRefused(payment, { refusal, verdict = INVALID_SIGNATURE, onSettle = verdict }) {
    const before = await holdings();
    const answer = await payment.send();
    assert.equal(answer.status, 402);
    assert.equal(answer.header.error, verdict);
    const verified = await service.facilitator.verify(payment.payload, payment.requirements);
    assert.equal(verified.invalidReason, verdict);
    const settled = await service.facilitator.settle(payment.payload, payment.requirements);
    assert.equal(settled.success, false);
    // What a contract reverted with follows the reason.
    assert.equal(settled.errorReason.split(":")[0], onSettle);
    assert.deepEqual(await holdings(), before);
    assert.equal(await org.diagnose(org.purse, payment.digest, payment.blob), refusal);
  }

  const allowance = () => chain.read(org.token, "allowance", [org.purse, permit2.address]);

  async function nonceUsed({ authorization: { nonce } }) {
    const bits = await chain.read(permit2, "nonceBitmap", [org.purse, BigInt(nonce) >> 8n]);
    return (bits >> (BigInt(nonce) & 0xffn)) & 1n;
  }

  /* EITHER RAIL */

  for (const rail of Object.keys(RAILS)) {
    describe(rail, () => {
      const onlyPermit2Refuses = verdict => ({
        refusal: "None",
        verdict,
        onSettle: rail === "exact" ? REVERTED : verdict,
      });

      it("settles an ordinary payment, and Permit2 has used the nonce that commits to the decision", async () => {
        const payment = await prepare(`/${rail}/quote`);
        assert.equal(await nonceUsed(payment), 0n);
        const answer = await assertPaid(payment, 1n * UNIT);
        assert.equal(await nonceUsed(payment), 1n);
        const { logs } = await chain.reader.getTransactionReceipt({ hash: answer.header.transaction });
        const proxy = rail === "exact" ? exactProxy : uptoProxy;
        const settled = parseEventLogs({ abi: proxy.abi, eventName: "Settled", logs });
        assert.deepEqual(
          settled.map(({ address }) => address.toLowerCase()),
          [proxy.address.toLowerCase()],
        );
      });

      it("settles exactly the threshold without approval, and exactly the cap with one", async () => {
        await assertPaid(await prepare(`/${rail}/threshold`), POLICY.approvalThreshold);
        const approved = await prepare(`/${rail}/cap`, { approver: people.approver });
        await assertPaid(approved, POLICY.paymentCap);
      });

      it("refuses one unit above the cap, approved or not", async () => {
        await assertRefused(await prepare(`/${rail}/archive`), { refusal: "PaymentCapExceeded" });
        const approved = await prepare(`/${rail}/archive`, { approver: people.approver });
        await assertRefused(approved, { refusal: "PaymentCapExceeded" });
      });

      it("refuses one unit above the threshold without approval, and with a stranger's", async () => {
        await assertRefused(await prepare(`/${rail}/report`), { refusal: "ApprovalMissing" });
        const forged = await prepare(`/${rail}/report`, { approver: people.stranger });
        await assertRefused(forged, { refusal: "ApproverNotAuthorized" });
      });

      it("refuses a payee off the list, and a forged session key", async () => {
        await assertRefused(await prepare(`/${rail}/elsewhere`), { refusal: "PayeeNotListed" });
        const forged = await prepare(`/${rail}/quote`, { signer: people.agent });
        await assertRefused(forged, { refusal: "SessionKeyMismatch" });
      });

      it("refuses the replay of a settled payment, and the same decision signed again", async () => {
        const payment = await prepare(`/${rail}/quote`);
        await assertPaid(payment, 1n * UNIT);
        await assertRefused(payment, onlyPermit2Refuses(SIMULATION_FAILED));
        await chain.passTo((await chain.now()) + 5n);
        const again = await prepare(`/${rail}/quote`);
        assert.notEqual(again.blob, payment.blob);
        await assertRefused(again, onlyPermit2Refuses(SIMULATION_FAILED));
      });

      it("refuses more than the session's budget has left", async () => {
        session = await org.openSession(1n * UNIT - 1n);
        const payment = await prepare(`/${rail}/quote`);
        await assertRefused(payment, onlyPermit2Refuses("permit2_insufficient_balance"));
      });

      it("refuses what is outstanding once the envelope is frozen, and what was signed before its release", async () => {
        const payment = await prepare(`/${rail}/quote`);
        const verified = await service.facilitator.verify(payment.payload, payment.requirements);
        assert.equal(verified.isValid, true);
        await chain.send(people.guardian, org.treasury, "freezeEnvelope", [org.envelope]);
        await assertRefused(payment, { refusal: "EnvelopeFrozen" });
        await chain.send(people.owner, org.treasury, "unfreezeEnvelope", [org.envelope]);
        session = await org.openSession(BUDGET);
        await assertRefused(payment, { refusal: "DigestMismatch" });
        await assertPaid(await prepare(`/${rail}/quote`), 1n * UNIT);
      });

      it("refuses what is outstanding once the session has expired", async () => {
        const payment = await prepare(`/${rail}/quote`);
        await chain.passTo(session.expiry);
        await assertRefused(payment, { refusal: "SessionExpired" });
      });

      it("keeps the money when the freeze comes between verification and settlement", async () => {
        const before = await holdings();
        shop.whileServing = () => chain.send(people.guardian, org.treasury, "freezeOrganisation");
        const answer = await (await prepare(`/${rail}/quote`)).send();
        assert.equal(answer.paymentStatus, "settle_failed");
        assert.equal(answer.header.errorReason, INVALID_SIGNATURE);
        assert.deepEqual(await holdings(), before);
      });

      it("refuses once the envelope allows it no more, before and after the allowance is levelled", async () => {
        await chain.send(people.policyManager, org.treasury, "setPermit2", [org.envelope, false]);
        session = await org.openSession(BUDGET);
        const payment = await prepare(`/${rail}/quote`);
        assert.ok((await allowance()) > 0n);
        await assertRefused(payment, { refusal: "RailNotAllowed" });
        await chain.send(people.stranger, org.treasury, "levelPermit2", [org.envelope, 0]);
        assert.equal(await allowance(), 0n);
        await assertRefused(payment, { refusal: "RailNotAllowed" });
        await assertPaid(await prepare("/plain/quote"), 1n * UNIT);
      });

      it("settles a decision on one rail only, whichever comes first", async () => {
        const [plain, payment] = await Promise.all(
          ["/plain/quote", `/${rail}/quote`].map(path => prepare(path, { decision: "plain first" })),
        );
        await assertPaid(plain, 1n * UNIT);
        await assertRefused(payment, { refusal: "DecisionSettled" });

        const [first, second] = await Promise.all(
          [`/${rail}/quote`, "/plain/quote"].map(path => prepare(path, { decision: "plain second" })),
        );
        await assertPaid(first, 1n * UNIT);
        await assertRefused(second, { refusal: "DecisionSettled", verdict: "invalid_exact_evm_signature" });
      });
    });
  }

  it("refuses a decision through one proxy that settled through the other", async () => {
    const decision = "once";
    const exact = await prepare("/exact/quote", { decision });
    const upto = await prepare("/upto/quote", { decision });
    await assertPaid(exact, 1n * UNIT);
    await assertRefused(upto, { refusal: "None", verdict: SIMULATION_FAILED });
  });

  it("refuses what the stock client signs, although it holds the session key", async () => {
    const signer = { address: org.purse, signTypedData: data => session.key.signTypedData(data) };
    const payment = await preparePayment(shop, "/exact/quote", new StockScheme(signer));
    await assertRefused(payment, { refusal: "SignatureMalformed" });
  });

  /* UPTO */

  it("charges less than the maximum, and the rest stays the purse's", async () => {
    shop.whileServing = async response => setSettlementOverrides(response, { amount: "300000" });
    const answer = await assertPaid(await prepare("/upto/threshold"), 300_000n);
    assert.equal(answer.header.amount, "300000");
  });

  it("charges nothing where nothing is due, in no transaction", async () => {
    shop.whileServing = async response => setSettlementOverrides(response, { amount: "0" });
    const answer = await assertPaid(await prepare("/upto/threshold"), 0n);
    assert.equal(answer.header.transaction, "");
  });

  it("judges the maximum, however little would be charged", async () => {
    shop.whileServing = async response => setSettlementOverrides(response, { amount: "1" });
    await assertRefused(await prepare("/upto/archive"), { refusal: "PaymentCapExceeded" });
    await assertRefused(await prepare("/upto/report"), { refusal: "ApprovalMissing" });
    await assertPaid(await prepare("/upto/report", { approver: people.approver }), 1n);
  });

  it("charges no more than the maximum: the facilitator declines, and so does the chain", async () => {
    const payment = await prepare("/upto/quote");
    const more = { ...payment.requirements, amount: (1n * UNIT + 1n).toString() };
    const settled = await service.facilitator.settle(payment.payload, more);
    assert.equal(settled.errorReason, "invalid_upto_evm_payload_settlement_exceeds_amount");
    await assert.rejects(settleUpto(people.facilitator, payment, 1n * UNIT + 1n), /AmountExceedsPermitted/);
  });

  it("settles for the facilitator that was signed alone", async () => {
    const payment = await prepare("/upto/quote");
    const other = await startFacilitator(chain, people.stranger);
    try {
      const verified = await other.facilitator.verify(payment.payload, payment.requirements);
      assert.equal(verified.invalidReason, "upto_facilitator_mismatch");
      await assert.rejects(settleUpto(people.stranger, payment, 1n), /UnauthorizedFacilitator/);

      // With itself in the facilitator's place, in the witness alone and in the blob too.
      const { address } = people.stranger;
      const signature = concat([slice(payment.blob, 0, 139), address]);
      for (const blob of [payment.blob, signature]) {
        const permit = payment.authorization;
        const witness = { ...permit.witness, facilitator: address };
        const stolen = structuredClone(payment.payload);
        stolen.payload = { signature: blob, permit2Authorization: { ...permit, witness } };
        const answer = await other.facilitator.settle(stolen, payment.requirements);
        assert.equal(answer.errorReason, INVALID_SIGNATURE);
      }
    } finally {
      await other.stop();
    }
    await assertPaid(payment, 1n * UNIT);
  });

  function settleUpto(account, { authorization, blob }, amount) {
    const { permitted, nonce, deadline, from, witness } = authorization;
    const permit = { permitted, nonce: BigInt(nonce), deadline: BigInt(deadline) };
    const args = [permit, amount, from, { ...witness, validAfter: BigInt(witness.validAfter) }, blob];
    return chain.send(account, uptoProxy, "settle", args);
  }
});
