// One request's answer: a wallet signs it, the API takes it. The API trusts nothing of this page: it checks who signed
// what, again.
import { Trouble, answerOf, post } from "./service.js";
import { accountOf, chainOf, choice, isAddress, kindOf, sign, switchTo } from "./wallet.js";

const EVERY_MS = 2_000;

const desk = document.getElementById("desk");
const [status, trouble] = ["status", "trouble"].map(id => document.getElementById(id));
const changeChain = document.getElementById("switch");
const route = `/v1/approval-requests/${desk.dataset.digest}`;
const chainId = Number(desk.dataset.chainId);
const approvers = desk.dataset.approvers.toLowerCase().split(" ").filter(Boolean);
const wallets = choice(document.getElementById("wallets"));
let busy = false;

const say = text => (status.textContent = text);
const value = id => document.getElementById(id).value.trim();

/* ANSWERS */

const answers = {
  async approve() {
    await signed({}, (account, signature, kind) => ({
      path: "/approval",
      body: { approver: account, signature, kind },
      done: "Approved. The agent goes on by itself.",
    }));
  },
  async reject() {
    const reason = why();
    await signed({ rejecting: reason }, (account, signature, kind) => ({
      path: "/rejection",
      body: { by: account, reason, signature, kind },
      done: "Rejected. The agent is told.",
    }));
  },
  async "hand-in"() {
    const [approver, signature] = byContract();
    await handIn({
      path: "/approval",
      body: { approver, signature, kind: "contract" },
      done: "Approved. The agent goes on by itself.",
    });
  },
  async "hand-in-rejection"() {
    const reason = why();
    const [by, signature] = byContract();
    await handIn({
      path: "/rejection",
      body: { by, reason, signature, kind: "contract" },
      done: "Rejected. The agent is told.",
    });
  },
};

function why() {
  const reason = value("reason");
  if (reason) return reason;
  document.getElementById("reason").focus();
  throw new Trouble("Say why, so that the agent and its people know.");
}

/** The account and the signature that were pasted. */
function byContract() {
  const [account, signature] = [value("account"), value("signature").replace(/\s/g, "")];
  if (!isAddress(account)) throw new Trouble("The account is 0x and 40 hexadecimal digits.");
  if (!/^0x([0-9a-fA-F]{2})+$/.test(signature)) throw new Trouble("The signature is 0x and hexadecimal digits.");
  say("The account's contract is asked.");
  return [account, signature];
}

/* What is signed to reject names the reason: there is nothing to sign without one. */
const rejection = document.getElementById("rejection");
function follow() {
  const reason = value("reason");
  if (reason) rejection.href = `${route}/typed-data?${new URLSearchParams({ rejecting: reason })}`;
  else rejection.removeAttribute("href");
}
document.getElementById("reason").addEventListener("input", follow);
follow();

async function signed(question, answer) {
  const provider = wallets.chosen();
  say("Waiting for the wallet.");
  const account = await accountOf(provider);
  if (!approvers.includes(account.toLowerCase())) {
    throw new Trouble(`Account ${account} is no approver of this treasury. Choose another account in the wallet.`);
  }
  if ((await chainOf(provider)) !== chainId) {
    changeChain.hidden = false;
    throw new Trouble(`The wallet is on another network than ${desk.dataset.chain} (chain id ${chainId}).`);
  }
  const typedData = await answerOf(await fetch(`${route}/typed-data?${new URLSearchParams(question)}`));
  say("Read in the wallet what you sign, then confirm there.");
  const signature = await sign(provider, account, typedData);
  await handIn(answer(account, signature, await kindOf(provider, account)));
}

async function handIn({ path, body, done }) {
  await post(route + path, JSON.stringify(body));
  say(done);
  location.reload();
}

async function run(work) {
  if (busy) return;
  busy = true;
  const buttons = desk.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  trouble.textContent = "";
  changeChain.hidden = true;
  try {
    await work();
  } catch (error) {
    say("");
    trouble.textContent = error instanceof Trouble ? error.message : "The service does not answer. Try again.";
  } finally {
    busy = false;
    for (const button of buttons) button.disabled = false;
  }
}

for (const [id, work] of Object.entries(answers)) {
  document.getElementById(id).addEventListener("click", () => run(work));
}
changeChain.querySelector("button").addEventListener("click", () =>
  run(async () => {
    await switchTo(wallets.chosen(), chainId);
    say(`The wallet is on ${desk.dataset.chain} now. Answer again.`);
  }),
);
desk.addEventListener("submit", event => event.preventDefault());
desk.hidden = false;

/* WHAT BECOMES OF IT MEANWHILE: somebody else may answer, or the time run out. */

async function look() {
  try {
    const response = await fetch(route);
    if (!busy && response.ok && (await response.json()).state !== "pending") location.reload();
  } catch {
    // The service may be restarting; the next round tells.
  }
  setTimeout(look, EVERY_MS);
}
setTimeout(look, EVERY_MS);
