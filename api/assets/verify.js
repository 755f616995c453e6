// The verify button of a payment's page: each link, against the chain, in front of the reader. Through the reader's wallet the
// node is theirs and the arithmetic this page's; without one, this service's node says so, and the page says whose word that is.
import { another, checks } from "./checks.js";
import { ask } from "./facts.js";
import { make } from "./page.js";
import { Trouble, answerOf } from "./service.js";
import { choice } from "./wallet.js";

const BADGES = { holds: ["good", "✓ holds"], fails: ["stop", "✗ fails"], unchecked: ["warn", "? not checked"] };

const desk = document.getElementById("verify-desk");
const [status, trouble, list] = ["verify-status", "verify-trouble", "checks"].map(id => document.getElementById(id));
const byWallet = document.getElementById("by-wallet");
const byServer = document.getElementById("by-server");
const route = desk.dataset.payment;
/** The payment that this page shows: what is checked has to be of the same one. */
const [purse, nonce] = route.split("/").slice(-2);
const shown = { ...desk.dataset, purse, nonce };
let busy = false;

const wallets = choice(document.getElementById("wallets"), () => {
  byWallet.disabled = false;
});

async function throughWallet() {
  const provider = wallets.chosen();
  const evidence = await answerOf(await fetch(`${route}/evidence`));
  const differs = another(evidence, shown);
  if (differs) throw new Error(`the evidence is of another payment than this page shows (its ${differs} differs)`);
  const request = question => provider.request(question);
  tell(await checks(evidence, await ask(request, evidence)), "through your wallet's node, computed in this page");
}

async function throughServer() {
  const told = await answerOf(await fetch(`${route}/verification`));
  if (told.purse !== purse || told.nonce !== nonce) throw new Error("the answer is of another payment than this page shows");
  tell(told.checks, "by this server's node: its word, not the chain's");
}

function tell(found, how) {
  list.replaceChildren(...found.map(line));
  const count = outcome => found.filter(check => check.outcome === outcome).length;
  const [holds, fails, unchecked] = ["holds", "fails", "unchecked"].map(count);
  status.textContent = `${holds} of ${found.length} links hold, ${fails} fail, ${unchecked} not checked: ${how}.`;
}

function line({ link, what, outcome, expected, found, source, why }) {
  const [level, word] = BADGES[outcome] ?? BADGES.unchecked;
  const item = make("li", "", { id: `check-${link}` });
  item.dataset.outcome = outcome;
  const summary = make("p");
  summary.append(make("span", word, { className: `badge ${level}` }), ` ${what}`);
  const facts = make("dl", "", { className: "facts" });
  const pairs = { Why: why, Expected: expected, Found: found, From: source };
  for (const [name, text] of Object.entries(pairs).filter(([, text]) => text)) {
    const pair = make("div");
    pair.append(make("dt", name), make("dd", text, { className: "mono whole" }));
    facts.append(pair);
  }
  item.append(summary, facts);
  return item;
}

async function run(work) {
  if (busy) return;
  busy = true;
  trouble.textContent = "";
  status.textContent = "Each link is asked about.";
  list.replaceChildren();
  try {
    await work();
  } catch (error) {
    status.textContent = "";
    trouble.textContent = error instanceof Trouble ? error.message : `Not checked: ${error.message}.`;
  } finally {
    busy = false;
  }
}

byWallet.addEventListener("click", () => run(throughWallet));
byServer.addEventListener("click", () => run(throughServer));
desk.hidden = false;
