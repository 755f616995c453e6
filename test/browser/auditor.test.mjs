/** An auditor in a real browser: finds a payment, holds it against the chain, and sees what was changed in the store. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { getContractAddress, keccak256, stringToHex, zeroHash } from "viem";

import { CHAIN_ID } from "../reference/support/chain.mjs";
import { people, ROLE, shopkeeper, UNIT } from "../reference/support/treasury.mjs";
import { findings } from "./support/axe.mjs";
import { visit } from "./support/browser.mjs";
import { RULES, setStage } from "./support/stage.mjs";
import { assertFails, LINKS, lying, MINE, pathOf, THEIRS, verified } from "./support/verifying.mjs";
import { installWallet } from "./support/wallet.mjs";

const SMALL = 5n * UNIT;
const LARGE = 15n * UNIT;
/** Longest that a report may take: builds for tests draw paper slowly. */
const PAPER_MS = 300_000;
const WHY = "The brief needs this quarter's filing.";

/** Canonical JSON (RFC 8785) of what has neither numbers with fractions nor odd strings. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map(name => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

/** The policy's text, as people read it; its token is the first contract of who deploys. */
const DOCUMENT = {
  schema: "bursar.policy/1",
  name: "auditor's walk",
  purpose: "Buys filings.",
  chainId: CHAIN_ID,
  asset: getContractAddress({ from: people.relayer.address, nonce: 0n }).toLowerCase(),
  paymentCap: String(RULES.paymentCap),
  approvalThreshold: String(RULES.approvalThreshold),
  sessionLimit: String(RULES.sessionLimit),
  maxSessionSeconds: RULES.maxSessionSeconds,
  payeeList: RULES.payeeList,
  lifetimeLimit: String(RULES.lifetimeLimit),
  windows: [],
};

/** Who the agent is, as the treasury's stamper has it. */
const TERMS = {
  subject: people.agent.address,
  agentRef: zeroHash,
  scope: { payees: [shopkeeper.toLowerCase()] },
  perPaymentMax: String(LARGE),
  totalMax: String(400n * UNIT),
  windows: [],
  notBefore: 0,
  notAfter: 4_000_000_000,
  depthLeft: 0,
  policyHash: zeroHash,
  httpsigJkt: zeroHash,
  workloadHash: zeroHash,
  epoch: 0,
};

/** Every page, and those of what `found` names. */
function pages({ purse, nonce, treasury, digest }) {
  const lists = ["payments", "refusals", "decisions", "approvals", "stops", "settlements"];
  return [
    "/",
    "/approvals",
    `/approvals/${digest}`,
    `/envelopes/${treasury}/1`,
    "/audit",
    "/audit?q=nobody",
    ...lists.map(list => `/audit/${list}`),
    "/audit/report",
    "/audit/payments?from=tomorrow",
    `/payments/${purse}/${nonce}`,
  ];
}

describe("an auditor's desk", { timeout: 600_000 }, () => {
  let stage, chain, org, shop, bursar, context, page, wallet, problems, small, large, digest, stamp;

  before(async () => {
    const goods = amount => ({ payTo: shopkeeper, amount });
    stage = await setStage({
      goods: { "/brief": goods(SMALL), "/report": goods(LARGE) },
      policy: { ...RULES, policyHash: keccak256(stringToHex(canonical(DOCUMENT))) },
    });
    ({ chain, org, shop, bursar } = stage);
    await bursar.caughtUp();
    await bursar.post("/v1/policy-documents", DOCUMENT);
    await chain.send(people.owner, org.treasury, "grantRole", [people.guardian.address, ROLE.stamper]);
    stamp = ["--stamp", await bursar.stamp(TERMS)];
    await done(bursar.agent("open", ...stamp, "--budget", String(40n * UNIT)));
    await bursar.caughtUp();
    await done(bursar.agent("pay", ...stamp, "--why", WHY, "--task", "weekly brief", `${shop.url}/brief`));
    await approved();
    await bursar.caughtUp();
    const { items } = await bursar.json("/v1/payments?limit=2");
    [large, small] = items;
    for (const { purse, nonce } of items) await bursar.recorded(purse, nonce);
    await bursar.anchor();
    await bursar.caughtUp();
  });

  after(() => stage?.stop());

  beforeEach(async () => {
    ({ context, page, problems } = await visit(stage.browser));
  });

  afterEach(async () => {
    await context?.close();
    assert.deepEqual(problems, []);
  });

  async function done({ ended }) {
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
  }

  /** A payment that a human says yes to, as their wallet would. */
  async function approved() {
    const agent = bursar.agent("pay", ...stamp, "--why", "The full report.", "--task", "weekly brief", "--patience", "900", `${shop.url}/report`);
    digest = await bursar.askedBeside([]);
    const { types, ...typed } = await bursar.json(`/v1/approval-requests/${digest}/typed-data`);
    const { EIP712Domain: _, ...own } = types;
    const signature = await people.approver.signTypedData({ ...typed, types: own });
    const body = { approver: people.approver.address, signature, kind: "eoa" };
    await bursar.post(`/v1/approval-requests/${digest}/approval`, body);
    await done(agent);
  }

  /** That nothing was checked, since the evidence was of another payment. */
  async function refused(differs) {
    await page.getByRole("button", { name: MINE }).click();
    await page.locator("#verify-trouble").getByText(`another payment than this page shows (its ${differs} differs)`).waitFor();
    assert.equal(await page.locator("#checks > li").count(), 0);
  }

  /** Every link there is. */
  function assertHolds(found) {
    assert.deepEqual(Object.keys(found), LINKS);
    for (const [link, { outcome, text }] of Object.entries(found)) assert.equal(outcome, "holds", `${link}: ${text}`);
    assert.ok(found.issuers.text.includes(people.guardian.address), found.issuers.text);
  }

  /** The report that the page offers, unpacked. */
  async function taken() {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: /^Download it/ }).click(),
    ]);
    return bursar.unpacked(await download.path());
  }

  it("finds a payment by its transaction, and sees every link of it hold", async () => {
    wallet = await installWallet(context, chain, people.stranger);
    await page.goto(`${bursar.url}/audit`);
    await page.getByLabel("Search").fill(large.txHash);
    await page.keyboard.press("Enter");
    await page.waitForURL(`**${pathOf(large)}`);
    const mine = await verified(page, MINE);
    assertHolds(mine);
    assert.ok(mine.approval.text.includes(people.approver.address));
    assert.ok((await page.getByRole("status").innerText()).includes("your wallet's node"));
    assert.deepEqual(await findings(page), []);
    assertHolds(await verified(page, THEIRS));
    assert.ok((await page.getByRole("status").innerText()).includes("this server's node"));
    assert.equal(wallet.signed.length, 0);

    // Nobody had to approve the other one.
    await page.goto(bursar.url + pathOf(small));
    const other = await verified(page, MINE);
    assertHolds(other);
    assert.ok(other.approval.text.includes("an approval above 10000000"), other.approval.text);
    assertHolds(await verified(page, THEIRS));
  });

  it("holds who vouched for the agent against what they signed", async () => {
    wallet = await installWallet(context, chain, people.stranger);
    await page.goto(bursar.url + pathOf(large));
    const told = await page.locator("ol.chain > li").innerText();
    for (const part of ["vouched for", "15.00 USDC", "400.00 USDC", "1 payee", "valid then"]) assert.ok(told.includes(part), told);
    const lies = [
      [({ stamps }) => (stamps.links[0].perPaymentMax = String(LARGE - 1n)), "another hash than was signed"],
      [({ stamps }) => (stamps.links[0].notAfter -= 1), "another hash than was signed"],
      [({ stamps }) => (stamps.links[0].signature = stamps.links[0].signature.replace(/^0x../, "0x00")), "not signed by its issuer"],
      [({ stamps }) => (stamps.links[0].hash = stamps.links[0].salt), "another hash than was signed"],
      [({ stamps }) => (stamps.links[0].scopeBytes = "0x01000000"), "another scope than was signed"],
      [({ stamps }) => (stamps.links[0].parent = stamps.links[0].hash), "another hash than was signed"],
      [({ stamps }) => stamps.links.pop(), "another stamp than the session"],
    ];
    for (const [change, why] of lies) {
      await lying(page, change);
      await page.goto(bursar.url + pathOf(large));
      const found = await verified(page, MINE);
      assertFails(found, ["issuers"]);
      assert.ok(found.issuers.text.includes(why), found.issuers.text);
      await page.unroute("**/evidence");
    }
    await lying(page, evidence => (evidence.stamps = null));
    await page.goto(bursar.url + pathOf(large));
    const found = await verified(page, MINE);
    assert.equal(found.issuers.outcome, "unchecked");
    assert.ok(found.issuers.text.includes("nobody has handed in"), found.issuers.text);
    await page.unroute("**/evidence");
  });

  it("checks nothing on another chain, and says so", async () => {
    wallet = await installWallet(context, chain, people.stranger);
    wallet.chainId = 1;
    await page.goto(bursar.url + pathOf(large));
    const found = await verified(page, MINE);
    assertFails(found, []);
    assert.equal(found.settlement.outcome, "unchecked");
    assert.ok(found.settlement.text.includes("the wallet is on chain 1, not 31337"));
  });

  it("takes no word of the service for what it found itself", async () => {
    wallet = await installWallet(context, chain, people.stranger);
    const nobody = "nobody";
    const lies = [
      [evidence => (evidence.session.key = nobody), found => assert.ok(found.seal.text.includes("key does not read"))],
      [evidence => (evidence.payment.approver = nobody), found => assert.ok(found.approval.text.includes("does not read"))],
    ];
    for (const [change, look] of lies) {
      await lying(page, change);
      await page.goto(bursar.url + pathOf(large));
      const found = await verified(page, MINE);
      for (const link of LINKS) assert.equal(found[link].outcome, "unchecked", link);
      look(found);
      await page.unroute("**/evidence");
    }
    // A key that no transaction tells of.
    await lying(page, evidence => (evidence.session.key = people.stranger.address));
    await page.goto(bursar.url + pathOf(large));
    assertFails(await verified(page, MINE), ["session"]);
    await page.unroute("**/evidence");
    // A version that the session was not opened under; the record's nonce commits to another as well.
    await lying(page, evidence => (evidence.payment.policyVersion += 1));
    await page.goto(bursar.url + pathOf(small));
    assertFails(await verified(page, MINE), ["policy", "record", "approval"]);
  });

  it("checks nothing of another payment than it shows", async () => {
    wallet = await installWallet(context, chain, people.stranger);
    for (const name of ["treasury", "purse", "nonce", "payee", "amount"]) {
      await lying(page, ({ payment }) => (payment[name] = small[name] === large[name] ? shopkeeper.toLowerCase() : small[name]));
      await page.goto(bursar.url + pathOf(large));
      await refused(name);
      await page.unroute("**/evidence");
    }
  });

  it("needs no wallet for the server's word", async () => {
    await page.goto(bursar.url + pathOf(large));
    await page.getByText("No wallet found in this browser.").waitFor();
    assert.ok(await page.getByRole("button", { name: MINE }).isDisabled());
    assertHolds(await verified(page, THEIRS));
  });

  it("has no page that keeps people out", async () => {
    const all = pages({ ...large, digest });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const path of all) {
        await page.goto(bursar.url + path);
        assert.deepEqual(await findings(page), [], `${path}, ${colorScheme}`);
      }
    }
  });

  it("has a report made, takes it away, and verifies it without the service", async () => {
    // Deep enough that nothing of it is taken back.
    await chain.mine(100);
    await bursar.caughtUp();
    await page.goto(`${bursar.url}/audit`);
    await page.getByRole("main").getByRole("link", { name: "Report" }).click();
    await page.getByLabel("Up to block").fill("1");
    await page.getByRole("button", { name: "Make the report" }).click();
    await page.locator("#report-trouble").getByText("expected a height from").waitFor();

    await page.getByLabel("Up to block").fill("");
    await page.getByRole("button", { name: "Make the report" }).click();
    await page.getByRole("status").getByText("Ready, up to block").waitFor({ timeout: PAPER_MS });
    const [, sha256] = /SHA-256 of its report.json: ([0-9a-f]{64})/.exec(await page.getByRole("status").innerText());
    assert.deepEqual(await findings(page), []);
    const whole = await taken();
    assert.ok(whole.files.includes("records.jsonl") && whole.files.includes("report.pdf"), whole.files.join());
    assert.equal(whole.sha256, sha256);
    assert.equal((await bursar.verify(whole.folder, chain.url)).code, 0);

    await page.getByLabel("With what agents said in words").uncheck();
    await page.getByRole("button", { name: "Make the report" }).click();
    await page.getByRole("status").getByText("Ready, up to block").waitFor({ timeout: PAPER_MS });
    const silent = await taken();
    assert.deepEqual(silent.files, whole.files.filter(name => name !== "records.jsonl"));
    assert.equal(silent.sha256, sha256);
    assert.ok(!silent.text.includes(WHY) && whole.text.includes(WHY));
  });

  // The last ones: what they change stays changed.
  it("shows a record that was rewritten in the store", async () => {
    wallet = await installWallet(context, chain, people.stranger);
    const path = pathOf(small);
    await page.goto(bursar.url + path);
    bursar.tamper(`UPDATE decision SET record = replace(record, 'filing', 'gossip') WHERE record LIKE '%filing%'`);
    for (const way of [MINE, THEIRS]) assertFails(await verified(page, way), ["record", "seal", "log"]);
  });

  it("shows a payment that was moved to another payee in the store", async () => {
    wallet = await installWallet(context, chain, people.stranger);
    await page.goto(bursar.url + pathOf(large));
    bursar.tamper(`UPDATE payment SET payee = (SELECT purse FROM payment LIMIT 1) WHERE approver IS NOT NULL`);
    // The page is from before, and shows the one that was paid.
    await refused("payee");
    await page.reload();
    for (const way of [MINE, THEIRS]) assertFails(await verified(page, way), ["settlement", "signature", "issuers", "words", "approval"]);
  });
});
