/** A treasurer at the desk: what an action will do, the wallet in the page, and the chain that has the last word. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { decodeFunctionData, getAddress, keccak256, stringToHex } from "viem";

import { person } from "../reference/support/chain.mjs";
import { deploySafes } from "../reference/support/safe.mjs";
import { people, ROLE, shopkeeper, UNIT } from "../reference/support/treasury.mjs";
import { visit } from "./support/browser.mjs";
import { setStage } from "./support/stage.mjs";
import { installWallet } from "./support/wallet.mjs";

const PRICE = 5n * UNIT;
const PHONE = { width: 360, height: 740 };

describe("a treasurer's desk", { timeout: 600_000 }, () => {
  let stage, chain, org, shop, bursar, context, wallet, page, problems;

  before(async () => {
    stage = await setStage({ goods: { "/quotes": { payTo: shopkeeper, amount: PRICE } } });
    ({ chain, org, shop, bursar } = stage);
    await chain.send(people.relayer, org.token, "mint", [people.owner.address, 100n * UNIT]);
  });

  after(() => stage?.stop());

  beforeEach(async () => {
    await bursar.caughtUp();
    await enter(people.owner);
  });

  afterEach(async () => {
    shop.whileServing = async () => {};
    await bursar.endAgents();
    await context?.close();
    assert.deepEqual(problems, []);
  });

  /** A browser of somebody's, with their wallet in it, or with none. */
  async function enter(account, { walletless = false } = {}) {
    await context?.close();
    ({ context, page, problems } = await visit(stage.browser));
    wallet = walletless ? null : await installWallet(context, chain, account);
  }

  const agentPage = () => `${bursar.url}/envelopes/${getAddress(org.treasury.address)}/${org.envelope}`;
  const button = name => page.getByRole("button", { name, exact: true });
  const dialog = () => page.getByRole("dialog");
  const trouble = () => page.locator("#act-trouble");
  const inLedger = () => dialog().getByText("The ledger has it, in block");
  const row = (what, before, after) =>
    dialog().getByRole("row").filter({ hasText: what }).filter({ hasText: before }).filter({ hasText: after });
  const onChain = () => chain.read(org.treasury, "envelope", [org.envelope]);
  const frozen = async () => (await onChain()).frozen;
  const decoded = ({ data }) => decodeFunctionData({ abi: org.treasury.abi, data });
  const pay = () => bursar.agent("pay", "--why", "Quotes for the brief.", "--task", "brief", `${shop.url}/quotes`).ended;

  async function openSession() {
    const opened = await bursar.agent("open", "--budget", String(40n * UNIT)).ended;
    assert.equal(opened.code, 0, opened.stderr);
  }

  async function close() {
    await dialog().getByRole("button", { name: "Close" }).click();
  }

  /** In one press, and one more. */
  async function inTwoPresses(first, second) {
    await button(first).click();
    await button(second).click();
    await inLedger().waitFor();
  }

  it("tops up, shown before and after", async () => {
    const before = (await onChain()).escrow;
    await page.goto(agentPage());
    await button("Top up").click();
    await page.getByLabel("Amount, in USDC").fill("50.5");
    await page.keyboard.press("Enter");
    await row("Escrow", "500.00 USDC", "550.50 USDC").waitFor();
    await dialog().getByText("Nothing is signed yet.").waitFor();
    assert.equal(wallet.sent.length, 0);
    await button("Top it up").click();
    await inLedger().waitFor();
    assert.match(await page.locator("#act-done").innerText(), /Topped up 50\.50 USDC/);
    assert.equal(wallet.sent.length, 2);
    assert.equal((await onChain()).escrow, before + 50_500_000n);
    await close();
    await page.getByText("550.50 USDC in escrow").waitFor();
  });

  it("freezes a runaway in two presses, and the payment that was under way dies", async () => {
    await openSession();
    await enter(people.guardian);
    await page.goto(agentPage());
    for (let n = 0; n < 3; n += 1) assert.equal((await pay()).code, 0);
    // Nobody has touched the page meanwhile.
    await page.getByRole("link", { name: "3 payments" }).waitFor();
    const held = await org.balanceOf(shopkeeper);
    // The facilitator has said that this one is good, and has not settled it yet.
    shop.whileServing = () => inTwoPresses(`Freeze envelope ${org.envelope}`, "Freeze it");
    const dead = await pay();
    assert.equal(dead.code, 1);
    assert.equal(await org.balanceOf(shopkeeper), held, "a frozen envelope has paid");
    assert.equal(wallet.sent.length, 1);
    assert.equal(decoded(wallet.sent[0]).functionName, "freezeEnvelope");
    assert.match(await page.locator("#act-done").innerText(), /Stopped/);
    await close();
    await page.getByText("This envelope is frozen.").waitFor();
    shop.whileServing = async () => {};
    assert.match((await pay()).stderr, /envelope_frozen/);
    await page.locator("#refusals-section").getByText("envelope frozen", { exact: true }).waitFor();
  });

  it("clears a review for a reason and releases, and the agent pays again", async () => {
    assert.ok(await frozen());
    await chain.send(people.owner, org.treasury, "setReview", [org.envelope, keccak256(stringToHex("runaway"))]);
    await bursar.caughtUp();
    await page.goto(agentPage());
    await button("Clear the review").first().click();
    await button("Show what it does").click();
    await trouble().getByText("Say why").waitFor();
    await page.getByLabel("Reason").fill("A loop in the planner; fixed.");
    await button("Show what it does").click();
    await row("Standing", "Frozen, Under review", "Frozen").waitFor();
    await dialog().getByRole("button", { name: "Clear the review" }).click();
    await inLedger().waitFor();
    assert.deepEqual(decoded(wallet.sent[0]).args[1], keccak256(stringToHex("A loop in the planner; fixed.")));
    await close();
    await inTwoPresses(`Release envelope ${org.envelope}`, "Release it");
    assert.ok(!(await frozen()) && !(await onChain()).underReview);
    await close();
    await page.locator("#agent").getByText("Active").waitFor();
    await openSession();
    assert.equal((await pay()).code, 0);
  });

  it("tells who declines that nothing was signed, and a wallet on another network to switch", async () => {
    await page.goto(agentPage());
    wallet.chainId = 1;
    await button(`Freeze envelope ${org.envelope}`).click();
    await button("Freeze it").click();
    await trouble().getByText("The wallet is on another network than local chain").waitFor();
    await button("Switch the wallet to local chain").click();
    await page.getByRole("status").getByText("Go on.").waitFor();
    wallet.declines = true;
    await button("Freeze it").click();
    await trouble().getByText("You declined in the wallet. Nothing was signed.").waitFor();
    assert.equal(wallet.sent.length, 0);
    assert.ok(!(await frozen()));
    // And may change their mind.
    wallet.declines = false;
    await button("Freeze it").click();
    await inLedger().waitFor();
    await close();
    await inTwoPresses(`Release envelope ${org.envelope}`, "Release it");
  });

  it("stops at once, whatever else waits in the wallet", async () => {
    await page.goto(agentPage());
    await button("Top up").click();
    await page.getByLabel("Amount, in USDC").fill("1");
    await page.keyboard.press("Enter");
    // A wallet that nobody answers.
    let answered = () => {};
    wallet.asks = new Promise(resolve => (answered = resolve));
    await button("Top it up").click();
    await page.getByRole("status").getByText("confirm there").waitFor();
    await close();
    wallet.asks = null;
    await inTwoPresses(`Freeze envelope ${org.envelope}`, "Freeze it");
    const before = (await onChain()).escrow;
    answered();
    await close();
    await inTwoPresses(`Release envelope ${org.envelope}`, "Release it");
    // The approval was confirmed late; the top-up that it was for had been left.
    assert.deepEqual(wallet.sent.map(({ to }) => getAddress(to) === getAddress(org.token.address)).filter(Boolean), [true]);
    assert.equal((await onChain()).escrow, before);
  });

  it("prepares nothing for who may not, and nothing beyond what is there", async () => {
    await enter(people.guardian);
    await page.goto(agentPage());
    await button("Withdraw").click();
    for (const [amount, to, says] of [
      ["1,5", shopkeeper, "with a point before the decimals"],
      ["0.0000001", shopkeeper, "USDC has 6 decimals at most."],
      ["1", "nobody", "The receiver is 0x and 40 hexadecimal digits."],
      ["1", shopkeeper, "may not do this: it holds guardian"],
    ]) {
      await page.getByLabel("Amount, in USDC").fill(amount);
      await page.getByLabel("Receiver").fill(to);
      await button("Show what it does").click();
      await trouble().getByText(says).waitFor();
    }
    wallet.account = people.owner;
    await page.getByLabel("Account that sends it").fill("");
    await page.getByLabel("Amount, in USDC").fill("99999");
    await button("Show what it does").click();
    await trouble().getByText("less than is to be taken out").waitFor();
    // Prepared for one account, and sent by another: not by this page.
    await page.getByLabel("Amount, in USDC").fill("1");
    await button("Show what it does").click();
    await row("Escrow", "USDC", "USDC").waitFor();
    wallet.account = people.stranger;
    await button("Withdraw it").click();
    await trouble().getByText("look again at what it does from there").waitFor();
    assert.equal(wallet.sent.length, 0);
  });

  it("withdraws", async () => {
    const receiver = person("bank account").address;
    await page.goto(agentPage());
    await button("Withdraw").click();
    await page.getByLabel("Amount, in USDC").fill("7.25");
    await page.getByLabel("Receiver").fill(receiver);
    await page.keyboard.press("Enter");
    await dialog().getByText(receiver).first().waitFor();
    await button("Withdraw it").click();
    await inLedger().waitFor();
    assert.equal(await org.balanceOf(receiver), 7_250_000n);
  });

  it("changes a policy, rule by rule before it is signed, and hands its document in", async () => {
    await enter(people.policyManager);
    await page.goto(agentPage());
    await button("Change policy").click();
    const text = page.getByLabel("Policy document");
    await page.waitForFunction(() => globalThis.document.getElementById("act-policy").value.startsWith("{"));
    const document = JSON.parse(await text.inputValue());
    await text.fill("{");
    await button("Show what it does").click();
    await trouble().getByText("The policy is no JSON").waitFor();
    const tighter = { ...document, name: "Research", purpose: "Quotes and filings", paymentCap: "15000000" };
    await text.fill(JSON.stringify(tighter));
    await button("Show what it does").click();
    await row("Most a payment", "20.00 USDC", "15.00 USDC").waitFor();
    await button("Change it").click();
    await inLedger().waitFor();
    await dialog().getByText("Done.", { exact: true }).waitFor();
    assert.equal((await onChain()).policy.paymentCap, 15_000_000n);
    const { policyVersion } = await onChain();
    const path = `/v1/policies/${org.treasury.address}/${org.envelope}/${policyVersion}`;
    await page.waitForFunction(
      async path => (await (await fetch(path)).json()).document?.name === "Research",
      path,
    );
  });

  it("freezes everything from the overview, with the keyboard, on a phone, in the dark", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize(PHONE);
    await page.goto(bursar.url);
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok((await wide()) <= 0, "the overview is too wide for a phone");
    const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
    for (let tabs = 0; !(await focused()).startsWith("Freeze all of"); tabs += 1) {
      assert.ok(tabs < 60, "the keyboard does not reach the stop");
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await dialog().getByText("Nothing is signed yet.").waitFor();
    await page.waitForFunction(() => document.activeElement.id === "act-send");
    const cut = await dialog().evaluate(it => it.scrollWidth - it.clientWidth);
    assert.ok(cut <= 0, `the dialog is ${cut} px too wide for a phone`);
    await page.keyboard.press("Enter");
    await inLedger().waitFor();
    assert.ok((await chain.read(org.treasury, "organisation")).frozen);
    await page.keyboard.press("Escape");
    await page.getByText("Organisation frozen.").waitFor();
    await button(/^Release all of/).click();
    await button("Release it").click();
    await inLedger().waitFor();
    assert.ok(!(await chain.read(org.treasury, "organisation")).frozen);
  });

  it("exports for a Safe what two of its owners then send, without a wallet in the page", async () => {
    const owners = ["Ann", "Bob", "Cleo"].map(name => person(`Safe owner ${name}`));
    const safe = await (await deploySafes(chain, people.relayer))(owners, 2);
    await chain.send(people.owner, org.treasury, "grantRole", [safe.address, ROLE.owner]);
    await bursar.caughtUp();
    await enter(null, { walletless: true });
    await page.goto(agentPage());
    await button("Withdraw").click();
    await dialog().getByText("No wallet found in this browser.").waitFor();
    await page.getByLabel("Amount, in USDC").fill("3");
    await page.getByLabel("Receiver").fill(safe.address);
    await page.getByLabel("Account that sends it").fill(safe.address);
    await button("Show what it does").click();
    await dialog().getByText("It would pass now.").waitFor();
    assert.equal(await button("Withdraw it").count(), 0, "there is no wallet to send it");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export for a Safe" }).click(),
    ]);
    const batch = JSON.parse(await readFile(await download.path(), "utf8"));
    assert.deepEqual([batch.chainId, batch.meta.createdFromSafeAddress], ["31337", safe.address]);
    const [{ to, value, data }, ...more] = batch.transactions;
    assert.deepEqual([getAddress(to), value, more], [getAddress(org.treasury.address), "0", []]);
    const { functionName, args } = decoded({ data });
    await safe.execute([owners[0], owners[2]], org.treasury, functionName, args);
    assert.equal(await org.balanceOf(safe.address), 3n * UNIT);
  });
});
