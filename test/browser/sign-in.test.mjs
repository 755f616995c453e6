/** Signing in at an issuer, in a real browser: there and back, what one sees then, and what is told who does not get in. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { getAddress } from "viem";

import { people } from "../reference/support/treasury.mjs";
import { findings } from "./support/axe.mjs";
import { visit } from "./support/browser.mjs";
import { startDoor } from "./support/door.mjs";
import { CLIENT, SECRET, startIssuer } from "./support/issuer.mjs";
import { setStage } from "./support/stage.mjs";

const CALLBACK = "/sign-in/callback";
const SIGNED_IN = "bursar-31337";
const ELSEWHERE = `0x${"99".repeat(20)}`;
const HOUR = 3_600;

/** What the service is told of the issuer. */
const oidc = (issuer, { treasury }) => `
[access]
mode = "keys"

[access.oidc]
issuer = "${issuer.url}"
audience = "bursar"

[access.oidc.sign_in]
client_id = "${CLIENT}"
name = "Acme"
client_secret_file = "issuer.secret"
scope = "openid groups"
${[["auditors", "auditor", treasury.address], ["agents", "agent", treasury.address], ["others", "auditor", ELSEWHERE]]
  .map(([group, role, of]) => `\n[[access.oidc.grants]]\ngroup = "${group}"\nrole = "${role}"\ntreasury = "${of}"\n`)
  .join("")}`;

describe("signing in at an issuer", { timeout: 600_000 }, () => {
  let door, issuer, stage, context, page, problems;

  before(async () => {
    // People are sent back to an address that the issuer knows before the service is there.
    door = await startDoor();
    issuer = await startIssuer(door.url + CALLBACK);
    stage = await setStage({
      configure: org => ({
        settings: { api_url: `${door.url}/` },
        tables: oidc(issuer, org),
        secrets: { "issuer.secret": SECRET },
      }),
    });
    door.leadTo(stage.bursar.url);
    await stage.bursar.askWithKey();
    await stage.bursar.caughtUp();
  });

  after(async () => {
    await stage?.stop();
    await issuer?.stop();
    await door?.stop();
  });

  beforeEach(async () => {
    issuer.begin(["everybody", "auditors"]);
    ({ context, page, problems } = await visit(stage.browser));
  });

  afterEach(async () => {
    await context?.close();
    assert.deepEqual(problems, []);
  });

  const agentPage = () => `/envelopes/${getAddress(stage.org.treasury.address)}/${stage.org.envelope}`;
  const heading = name => page.getByRole("heading", { level: 1, name });
  const at = path => page.waitForURL(door.url + path);
  const kept = async name => (await context.cookies()).find(cookie => cookie.name === name);

  /** Asks for a page, and goes to the issuer for it. */
  async function goToIssuer(path) {
    await page.goto(door.url + path);
    await heading("Sign in").waitFor();
    await page.getByRole("link", { name: "Sign in with Acme" }).click();
    await page.getByRole("button", { name: "I am Ada" }).waitFor();
  }

  async function signIn(path) {
    await goToIssuer(path);
    await page.getByRole("button", { name: "I am Ada" }).click();
  }

  /** Nobody is signed in, and the page says why and leads back to where they wanted to go. */
  async function assertToldWhy(words, path = "/approvals") {
    await page.getByRole("alert").getByText(words).waitFor();
    assert.equal(new URL(page.url()).pathname, CALLBACK);
    assert.equal(await kept(SIGNED_IN), undefined, "signed in");
    assert.equal(await kept(`${SIGNED_IN}-sign-in`), undefined, "the sign-in goes on");
    const again = await page.getByRole("link", { name: "Sign in with Acme" }).getAttribute("href");
    assert.equal(again, `/sign-in/issuer?next=${encodeURIComponent(path)}`);
    assert.deepEqual(await findings(page), []);
  }

  it("leads to what was asked for, and shows what the role may see and no more", async () => {
    await signIn(agentPage());
    await at(agentPage());
    await page.getByText("500.00 USDC in escrow").waitFor();
    assert.equal(issuer.redeemed, 1);
    const { httpOnly, sameSite, expires } = await kept(SIGNED_IN);
    assert.deepEqual([httpOnly, sameSite, expires], [true, "Strict", -1]);
    assert.equal(await kept(`${SIGNED_IN}-sign-in`), undefined, "the sign-in goes on");

    await page.goto(`${door.url}/sign-in`);
    await heading("Your access").waitFor();
    for (const shown of ["f:ada", "auditor", getAddress(stage.org.treasury.address)]) {
      await page.getByText(shown, { exact: true }).waitFor();
    }
    assert.deepEqual(await findings(page), []);
    // What belongs to no treasury is for who is of all.
    await page.goto(`${door.url}/audit`);
    await page.getByRole("alert").getByText("for the operator's auditor").waitFor();

    await page.goto(`${door.url}/sign-in`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await heading("Sign in").waitFor();
    assert.equal(await kept(SIGNED_IN), undefined);
    await page.goto(door.url + agentPage());
    await heading("Sign in").waitFor();
  });

  it("has what they ask kept, by what the issuer calls them", async () => {
    await signIn("/approvals");
    await at("/approvals");
    const { role, status } = await stage.bursar.accessOf("oidc:f:ada", "/approvals");
    assert.deepEqual([role, status], ["auditor", 200]);
  });

  it("shows another treasury's auditor nothing of this one", async () => {
    issuer.groups = ["others"];
    await signIn(agentPage());
    await at(agentPage());
    await page.getByRole("alert").getByText("The credential is for another treasury").waitFor();
    assert.equal(await page.getByText("USDC").count(), 0);
  });

  it("shows an agent no page, and says why", async () => {
    issuer.begin(["agents"]).says = { bursar_account: people.agent.address };
    await signIn("/approvals");
    await at("/approvals");
    await page.getByRole("alert").getByText("the role agent may not read a treasury's books").waitFor();
  });

  it("signs nobody in by an answer to another sign-in", async () => {
    issuer.answers = answer => answer.set("state", answer.get("state").replace(/^./, first => (first === "A" ? "B" : "A")));
    await signIn("/approvals");
    await assertToldWhy("the answer to another sign-in than the one that this browser began");
    assert.equal(issuer.redeemed, 0);

    // And after that, as if nothing had been.
    issuer.begin(["auditors"]);
    await page.getByRole("link", { name: "Sign in with Acme" }).click();
    await page.getByRole("button", { name: "I am Ada" }).click();
    await at("/approvals");
    await heading("Waiting for a human").waitFor();
  });

  it("signs nobody in who has not begun here, nor twice by one answer", async () => {
    let answer;
    issuer.answers = given => (answer = new URLSearchParams(given));
    await signIn("/approvals");
    await at("/approvals");
    const { context: other, page: theirs } = await visit(stage.browser);
    for (const somebody of [page, theirs]) {
      await somebody.goto(`${door.url + CALLBACK}?${answer}`);
      await somebody.getByRole("alert").getByText("has not begun to sign in here, or has finished").waitFor();
    }
    assert.deepEqual(await other.cookies(), []);
    await other.close();
    assert.equal(issuer.redeemed, 1);
  });

  it("goes nowhere else than it began for, whoever changes that", async () => {
    await goToIssuer("/approvals");
    const begun = await kept(`${SIGNED_IN}-sign-in`);
    assert.deepEqual([begun.httpOnly, begun.sameSite], [true, "Lax"]);
    const value = begun.value.replace(/[^.]*$/, Buffer.from("/audit/payments").toString("base64url"));
    await context.addCookies([{ ...begun, value }]);
    await page.getByRole("button", { name: "I am Ada" }).click();
    await assertToldWhy("the answer to another sign-in than the one that this browser began", "/audit/payments");
    assert.equal(issuer.redeemed, 0);
  });

  it("says so when somebody declines", async () => {
    await goToIssuer("/approvals");
    await page.getByRole("button", { name: "Decline" }).click();
    await assertToldWhy("It was declined at the issuer (access_denied)");
    assert.equal(issuer.redeemed, 0);
  });

  const now = () => Math.floor(Date.now() / 1000);
  for (const [what, change, words] of [
    ["that has run out", () => (issuer.says = { iat: now() - HOUR, exp: now() - 31 }), "The token has run out"],
    ["for another audience", () => (issuer.says = { aud: "somebody else" }), "its aud is not this service"],
    ["for the programs that ask here", () => (issuer.says = { aud: "bursar" }), "for another sign-in than the one"],
    ["for another sign-in", () => (issuer.says = { nonce: "A".repeat(43) }), "for another sign-in than the one"],
    ["of another issuer", () => (issuer.says = { iss: "https://login.example" }), "The token is another issuer's"],
    ["signed by somebody else", () => (issuer.signs = issuer.stranger), "The token's signature does not hold"],
    ["whose groups have no role", () => (issuer.groups = ["everybody"]), "groups have no role here"],
    ["whose groups have several", () => (issuer.groups = ["auditors", "others"]), "groups have several roles here"],
    ["of an agent that names no account", () => (issuer.groups = ["agents"]), "for which account its agent speaks"],
  ]) {
    it(`takes no id token ${what}, and says so`, async () => {
      change();
      await signIn("/approvals");
      await assertToldWhy(words);
      assert.equal(issuer.redeemed, 1);
    });
  }

  it("says that the issuer is away, and goes on when it is back", async () => {
    issuer.away = true;
    await signIn("/approvals");
    await assertToldWhy("The issuer signs nobody in now");
    issuer.away = false;
    await page.getByRole("link", { name: "Sign in with Acme" }).click();
    await page.getByRole("button", { name: "I am Ada" }).click();
    await at("/approvals");
  });
});
