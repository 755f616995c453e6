/** An approver in a real browser, a wallet in the page, an agent that waits, and the chain that has the last word. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { getAddress, hashTypedData } from "viem";

import { person } from "../reference/support/chain.mjs";
import { deploySafes } from "../reference/support/safe.mjs";
import { people, ROLE, shopkeeper, UNIT } from "../reference/support/treasury.mjs";
import { visit } from "./support/browser.mjs";
import { setStage } from "./support/stage.mjs";
import { installWallet } from "./support/wallet.mjs";

const PRICE = 15n * UNIT;
const PHONE = { width: 360, height: 740 };
const HOUR = 3_600n;

describe("an approver's page", { timeout: 600_000 }, () => {
  let stage, chain, org, shop, bursar, context, wallet, page, problems;

  before(async () => {
    stage = await setStage({ goods: { "/report": { payTo: shopkeeper, amount: PRICE } } });
    ({ chain, org, shop, bursar } = stage);
  });

  after(() => stage?.stop());

  beforeEach(async () => {
    const opened = await bursar.agent("open", "--budget", String(40n * UNIT)).ended;
    assert.equal(opened.code, 0, opened.stderr);
    await bursar.caughtUp();
    ({ context, page, problems } = await visit(stage.browser));
    wallet = await installWallet(context, chain, people.approver);
  });

  afterEach(async () => {
    await bursar.endAgents();
    await context?.close();
    assert.deepEqual(problems, []);
  });

  /** An agent that wants the report, and by now waits for a human. */
  async function waiting(why) {
    const before = await bursar.asked();
    const args = ["--why", why, "--task", "weekly brief", "--patience", "900", `${shop.url}/report`];
    const agent = bursar.agent("pay", ...args);
    const digest = await Promise.race([
      bursar.askedBeside(before),
      agent.ended.then(({ stderr }) => Promise.reject(new Error(`the agent did not wait: ${stderr}`))),
    ]);
    return { ...agent, digest };
  }

  async function open({ digest }) {
    await page.goto(`${bursar.url}/approvals/${digest}`);
  }

  const button = name => page.getByRole("button", { name });
  const alert = () => page.locator("#trouble");
  const stateOf = async ({ digest }) => (await bursar.json(`/v1/approval-requests/${digest}`)).state;
  const held = () => org.balanceOf(shopkeeper);

  async function assertSettled(agent, before) {
    const { code, stderr, facts } = await agent.ended;
    assert.equal(code, 0, stderr);
    assert.equal(facts.status, 200);
    assert.equal(await held(), before + PRICE);
  }

  it("leads from the inbox to a signature, and the agent goes on by itself", async () => {
    const before = await held();
    const agent = await waiting("The brief needs this quarter's filing.");
    await page.goto(`${bursar.url}/approvals`);
    await page.getByText("The brief needs this quarter's filing.").waitFor();
    await page.getByRole("link", { name: "Read and answer" }).click();
    await page.getByRole("heading", { name: "Pay 15.00 USDC" }).waitFor();
    const text = await page.locator("main").innerText();
    for (const shown of [shopkeeper, getAddress(org.token.address), getAddress(org.purse), "weekly brief", "chain id 31337", "Session 1"]) {
      assert.ok(text.includes(shown), `the page does not show ${shown}`);
    }
    assert.match(await page.getByRole("timer").innerText(), /^in \d+ min/);
    assert.ok(await page.getByRole("radio", { name: "Test wallet" }).isChecked());
    await button("Approve 15.00 USDC").click();
    await page.getByText("Approved by").waitFor();
    assert.equal(wallet.signed.length, 1);
    assert.equal(wallet.signed[0].message.amount, String(PRICE));
    assert.equal(wallet.signed[0].message.digest, agent.digest);
    await assertSettled(agent, before);

    await bursar.caughtUp();
    await page.reload();
    await page.getByText("Settled at").waitFor();
    const { items } = await bursar.json("/v1/payments?limit=1");
    assert.equal(items[0].approver, people.approver.address);
  });

  it("is worked with the keyboard alone, on a phone, in the dark", async () => {
    const before = await held();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize(PHONE);
    const agent = await waiting("Read with the keyboard.");
    await page.goto(`${bursar.url}/approvals`);
    for (const path of ["", `/${agent.digest}`]) {
      await page.goto(`${bursar.url}/approvals${path}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `/approvals${path} is ${wide} px too wide for a phone`);
    }
    const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
    for (let tabs = 0; (await focused()) !== "Approve 15.00 USDC"; tabs += 1) {
      assert.ok(tabs < 60, "the keyboard does not reach the answer");
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.getByText("Approved by").waitFor();
    await assertSettled(agent, before);
  });

  it("rejects with a reason that the agent gets to read", async () => {
    const before = await held();
    const agent = await waiting("<img src=x onerror=alert(1)><script>alert(2)</script>");
    await open(agent);
    await page.getByText("<img src=x onerror=alert(1)>").waitFor();
    await button("Reject").click();
    await alert().getByText("Say why").waitFor();
    assert.equal(wallet.signed.length, 0);

    await page.getByLabel("Reason, to reject").fill('Ask for the "abridged" one.');
    await button("Reject").click();
    await page.getByText("Rejected by").waitFor();
    assert.equal(wallet.signed[0].primaryType, "PaymentRejection");
    const { code, stderr } = await agent.ended;
    assert.equal(code, 1);
    assert.match(stderr, /approval was rejected: Ask for the "abridged" one\./);
    assert.equal(await held(), before);
    await page.goto(`${bursar.url}/approvals`);
    await page.getByText('Ask for the "abridged" one.').waitFor();
  });

  it("tells who declines in the wallet that nothing was signed, and lets them answer again", async () => {
    const before = await held();
    const agent = await waiting("Declined first.");
    await open(agent);
    wallet.declines = true;
    await button("Approve 15.00 USDC").click();
    await alert().getByText("You declined in the wallet. Nothing was signed.").waitFor();
    assert.equal(await stateOf(agent), "pending");
    wallet.declines = false;
    await button("Approve 15.00 USDC").click();
    await page.getByText("Approved by").waitFor();
    await assertSettled(agent, before);
  });

  it("offers to switch a wallet that is on another network", async () => {
    const before = await held();
    const agent = await waiting("From another network.");
    await open(agent);
    wallet.chainId = 1;
    await button("Approve 15.00 USDC").click();
    await alert().getByText("The wallet is on another network than local chain").waitFor();
    assert.equal(wallet.signed.length, 0);

    wallet.declines = true;
    await button("Switch the wallet to local chain").click();
    await alert().getByText("You declined in the wallet.").waitFor();
    wallet.declines = false;
    await button("Approve 15.00 USDC").click();
    await button("Switch the wallet to local chain").click();
    await page.getByRole("status").getByText("Answer again").waitFor();
    await button("Approve 15.00 USDC").click();
    await page.getByText("Approved by").waitFor();
    await assertSettled(agent, before);
  });

  it("takes no answer from who is no approver, whatever the page says", async () => {
    const agent = await waiting("By the wrong person.");
    await open(agent);
    wallet.account = people.stranger;
    await button("Approve 15.00 USDC").click();
    await alert().getByText("is no approver of this treasury").waitFor();
    assert.equal(wallet.signed.length, 0);

    // What a page that was tampered with would send.
    const typed = await bursar.json(`/v1/approval-requests/${agent.digest}/typed-data`);
    const { EIP712Domain: _, ...types } = typed.types;
    const signature = await people.stranger.signTypedData({ ...typed, types });
    const answer = await fetch(`${bursar.url}/v1/approval-requests/${agent.digest}/approval`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ approver: people.stranger.address, signature, kind: "eoa" }),
    });
    assert.deepEqual([answer.status, (await answer.json()).code], [409, "approver_unfit"]);
    assert.equal(await stateOf(agent), "pending");

    wallet.account = people.approver;
    await page.reload();
    await page.getByLabel("Reason, to reject").fill("enough");
    await button("Reject").click();
    assert.equal((await agent.ended).code, 1);
  });

  it("takes what two of three owners of a Safe signed, and not what one did", async () => {
    const owners = ["Ann", "Bob", "Cleo"].map(name => person(`Safe owner ${name}`));
    const safe = await (await deploySafes(chain, people.relayer))(owners, 2);
    await chain.send(people.owner, org.treasury, "grantRole", [safe.address, ROLE.approver]);
    await bursar.caughtUp();
    const before = await held();
    const agent = await waiting("For the Safe.");
    await open(agent);
    await page.getByText("Sign with a Safe or another contract account").click();
    const toSign = async link => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: link, exact: true }).click(),
      ]);
      const typed = JSON.parse(await readFile(await download.path(), "utf8"));
      const { EIP712Domain: _, ...types } = typed.types;
      return hashTypedData({ ...typed, types });
    };
    const handIn = async (what, signers, hash) => {
      await page.getByLabel("Account").fill(safe.address);
      await page.getByLabel("Signature", { exact: true }).fill(await safe.sign(signers, hash));
      await button(`Hand in the ${what}`).click();
    };
    const approval = await toSign("the approval");
    await handIn("approval", [owners[0]], approval);
    await alert().getByText("does not take the signature for its own").waitFor();
    assert.equal(await stateOf(agent), "pending");
    // Two owners' yes is no rejection.
    await page.getByLabel("Reason, to reject").fill("Too dear.");
    await handIn("rejection", [owners[0], owners[2]], approval);
    await alert().getByText("does not take the signature for its own").waitFor();
    assert.equal(await stateOf(agent), "pending");
    await handIn("approval", [owners[0], owners[2]], approval);
    await page.getByText("Approved by").waitFor();
    await assertSettled(agent, before);
    await bursar.caughtUp();
    const { items } = await bursar.json("/v1/payments?limit=1");
    assert.equal(items[0].approver, safe.address);

    const second = await waiting("For the Safe, again.");
    await open(second);
    await page.getByText("Sign with a Safe or another contract account").click();
    assert.equal(await page.getByRole("link", { name: "the rejection", exact: true }).count(), 0, "no reason yet");
    await button("Hand in the rejection").click();
    await alert().getByText("Say why").waitFor();
    await page.getByLabel("Reason, to reject").fill("Not & never: \"twice\" a week?");
    const rejection = await toSign("the rejection");
    // What was signed is this reason and no other.
    await page.getByLabel("Reason, to reject").fill("Another reason.");
    await handIn("rejection", owners.slice(0, 2), rejection);
    await alert().getByText("does not take the signature for its own").waitFor();
    await page.getByLabel("Reason, to reject").fill("Not & never: \"twice\" a week?");
    await handIn("rejection", owners.slice(0, 2), rejection);
    await page.getByText("Rejected by").waitFor();
    const { code, stderr } = await second.ended;
    assert.equal(code, 1);
    assert.match(stderr, /approval was rejected: Not & never: "twice" a week\?/);
  });

  // The last one: it turns the chain's clock.
  it("says so when nobody answered in time, to the human and to the agent", async () => {
    const before = await held();
    const agent = await waiting("Too late.");
    await open(agent);
    await button("Approve 15.00 USDC").waitFor();
    await chain.passTo((await chain.now()) + HOUR);
    await page.getByText("Nobody answered in time.").waitFor();
    assert.equal(await button("Approve 15.00 USDC").count(), 0);
    const { code, stderr } = await agent.ended;
    assert.equal(code, 1);
    assert.match(stderr, /no approval of payment 0x[0-9a-f]{64} by \d+/);
    assert.equal(await held(), before);
  });
});
