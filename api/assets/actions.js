// What people do to a treasury. The API says what it will do, the person's own wallet sends it, and the ledger says what
// it did. This page decides nothing: the treasury checks who sends what.
import { make } from "./page.js";
import { documentOf, draftOf, keep, settle } from "./policy.js";
import { Trouble, answerOf, post } from "./service.js";
import { accountOf, chainOf, choice, isAddress, receiptOf, send, switchTo } from "./wallet.js";

const EVERY_MS = 1_000;
// Longer than any block takes; the transaction may come all the same.
const PATIENCE_MS = 180_000;
const WORDS = new Map([
  ["freeze.set", "Stopped"],
  ["freeze.released", "Released"],
  ["review.cleared", "Review cleared"],
  ["envelope.topped_up", "Topped up"],
  ["envelope.withdrawn", "Withdrawn"],
  ["policy.changed", "Policy in force"],
  ["change.announced", "Announced"],
]);

const dialog = document.getElementById("act");
const part = name => document.getElementById(`act-${name}`);
const chainId = Number(dialog.dataset.chainId);
const wallets = choice(part("wallets"));
let asked = null;
let plan = null;
// Which opening of the dialog this is, and which one is at work: who opens it again has left what was at work before.
let turn = 0;
let working = 0;

class Left extends Error {}

const pause = () => new Promise(resolve => setTimeout(resolve, EVERY_MS));

/* WHAT IS ASKED FOR */

/** A decimal number as atomic units, or trouble. */
function units(text, { symbol, decimals }) {
  const [, whole, fraction = ""] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) throw new Trouble("The amount is digits, with a point before the decimals: 1500.25");
  if (fraction.length > Number(decimals)) throw new Trouble(`${symbol} has ${decimals} decimals at most.`);
  return BigInt(whole + fraction.padEnd(Number(decimals), "0")).toString();
}

const fields = {
  amount: text => units(text, asked),
  to(text) {
    if (!isAddress(text)) throw new Trouble("The receiver is 0x and 40 hexadecimal digits.");
    return text;
  },
  reason(text) {
    if (!text) throw new Trouble("Say why, so that others can follow it later.");
    return text;
  },
  policy: documentOf,
};

const wanted = () => (asked.fields ?? "").split(" ").filter(Boolean);

function action() {
  const it = { kind: asked.act };
  if (asked.envelope) it.envelope = Number(asked.envelope);
  if (asked.group) it.group = Number(asked.group);
  if (asked.purse) it.purse = asked.purse;
  for (const name of wanted()) {
    const input = part(name);
    try {
      it[name] = fields[name](input.value.trim());
    } catch (error) {
      input.focus();
      throw error;
    }
  }
  return it;
}

/* WHAT IT WILL DO */

function forget() {
  plan = null;
  part("plan").hidden = true;
  part("switch").hidden = true;
  part("look").hidden = false;
  part("done").replaceChildren();
}

async function look(say) {
  forget();
  const it = action();
  const from = part("from");
  if (!from.value.trim() && wallets.any()) {
    say("Waiting for the wallet.");
    const account = await accountOf(wallets.chosen());
    say("");
    from.value = account;
  }
  const account = from.value.trim();
  if (!isAddress(account)) {
    from.focus();
    throw new Trouble("Name the account that will send it: 0x and 40 hexadecimal digits.");
  }
  say("Looking at what it does.");
  const wish = { treasury: asked.treasury, from: account, action: it };
  const prepared = await post("/v1/transactions", JSON.stringify(wish));
  say("Nothing is signed yet.");
  show(prepared);
}

function show(prepared) {
  plan = prepared;
  part("what").textContent = plan.what;
  part("changes").replaceChildren(
    ...plan.changes.map(({ what, before, after }) => {
      const row = document.createElement("tr");
      for (const [label, text] of [["What", what], ["Before", before], ["After", after]]) {
        row.append(make("td", text, { className: "amount" }));
        row.lastChild.dataset.label = label;
      }
      return row;
    }),
  );
  part("warnings").replaceChildren(...plan.warnings.map(text => make("li", text)));
  const { outcome, detail } = plan.simulation;
  part("simulation").textContent = detail;
  part("simulation").className = `answer ${{ passes: "good", reverts: "stop", unknown: "" }[outcome]}`;
  part("calls").replaceChildren(
    ...plan.calls.flatMap(({ what, function: name, to, data }) => [
      make("dt", what),
      make("dd", `${name} of ${to}`),
      make("dd", data, { className: "mono whole" }),
    ]),
  );
  const button = part("send");
  button.hidden = !wallets.any();
  button.textContent = asked.verb;
  button.classList.toggle("stop", asked.act.startsWith("freeze"));
  // What would fail costs gas and changes nothing.
  button.dataset.off = outcome === "reverts" ? "true" : "";
  const file = new Blob([JSON.stringify(plan.safe, null, 2)], { type: "application/json" });
  URL.revokeObjectURL(part("export").href);
  part("export").href = URL.createObjectURL(file);
  part("export").download = `${asked.act}-${plan.safe.meta.checksum.slice(2, 10)}.json`;
  part("plan").hidden = false;
  part("look").hidden = true;
}

/* DOING IT */

async function go(say) {
  const provider = wallets.chosen();
  const [account, chain] = [await accountOf(provider), await chainOf(provider)];
  say("");
  if (account.toLowerCase() !== plan.from.toLowerCase()) {
    part("from").value = account;
    forget();
    throw new Trouble(`The wallet's account is ${account} now: look again at what it does from there.`);
  }
  if (chain !== chainId) {
    part("switch").hidden = false;
    throw new Trouble(`The wallet is on another network than ${dialog.dataset.chain} (chain id ${chainId}).`);
  }
  const [done, told] = [plan, { ...asked, document: part("policy").value }];
  let last = null;
  for (const [n, call] of done.calls.entries()) {
    const which = done.calls.length > 1 ? ` (${n + 1} of ${done.calls.length})` : "";
    say(`Read in the wallet what you sign, then confirm there${which}: ${call.what}.`);
    const hash = await send(provider, account, call);
    say(`Sent${which}. Waiting for transaction ${hash}.`);
    last = await mined(provider, hash);
  }
  say(`Done, in block ${last.block}. Waiting for the ledger.`);
  forget();
  await followed(last.block);
  await tell(say, done, told, last);
}

async function mined(provider, hash) {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause()) {
    const receipt = await receiptOf(provider, hash);
    if (!receipt) continue;
    const block = Number(receipt.blockNumber);
    if (Number(receipt.status) === 1) return { hash, block };
    throw new Trouble(`Transaction ${hash} failed in block ${block}: it changed nothing.`);
  }
  throw new Trouble(`Transaction ${hash} is in no block yet. It may come still: look in the wallet before you send another.`);
}

async function followed(block) {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause()) {
    const answer = await fetch("/v1/status").catch(() => null);
    if (answer?.ok && (await answer.json()).indexed >= block) return;
  }
  throw new Trouble(`Done in block ${block}; the ledger has not followed so far yet.`);
}

/** What the ledger says that the transaction did. */
async function tell(say, done, told, { hash, block }) {
  const query = new URLSearchParams({ treasury: done.treasury, cursor: String(done.cursor), limit: "200" });
  const { items } = await answerOf(await fetch(`/v1/events?${query}`));
  const ours = items.filter(event => event.block?.txHash === hash && WORDS.has(event.kind));
  const link = make("a", hash, { className: "mono whole", href: `${dialog.dataset.explorer}tx/${hash}` });
  const where = dialog.dataset.explorer ? link : make("span", hash, { className: "mono whole" });
  const line = make("p", `The ledger has it, in block ${block}: ${ours.map(inWords).join("; ") || "nothing that it counts"}. `);
  line.append("Transaction ", where);
  say("Done.");
  part("done").replaceChildren(line);
  const changed = ours.some(({ kind }) => kind === "policy.changed");
  if (told.act === "set_policy") await (changed ? settle(told) : keep(told));

  function inWords({ kind, body }) {
    const detail = { "policy.changed": `version ${body.version}`, "envelope.topped_up": money(body), "envelope.withdrawn": money(body) };
    return [WORDS.get(kind), detail[kind]].filter(Boolean).join(" ");
  }
  /** As the pages write it: thousands apart, two decimals, and more where they say something. */
  function money({ amount }) {
    const [decimals, shown] = [Number(told.decimals), Math.min(2, Number(told.decimals))];
    const digits = String(amount).padStart(decimals + 1, "0");
    const [whole, fraction] = [digits.slice(0, digits.length - decimals), digits.slice(digits.length - decimals)];
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    const rest = fraction.slice(0, shown) + fraction.slice(shown).replace(/0+$/, "");
    return `${grouped}${rest && `.${rest}`} ${told.symbol}`;
  }
}

/* THE DIALOG */

async function run(work) {
  if (working === turn) return;
  const mine = (working = turn);
  const controls = [...dialog.querySelectorAll("button:not(#act-close), input, textarea")];
  for (const control of controls) control.disabled = true;
  part("trouble").textContent = "";
  const say = text => {
    if (mine !== turn) throw new Left();
    part("status").textContent = text;
  };
  try {
    await work(say);
  } catch (error) {
    if (mine !== turn) return;
    say("");
    part("trouble").textContent = error instanceof Trouble ? error.message : "The service does not answer. Try again.";
  } finally {
    if (mine === turn) {
      working = 0;
      for (const control of controls) control.disabled = control.dataset.off === "true";
    }
  }
}

async function open(button) {
  asked = { ...button.dataset };
  turn += 1;
  forget();
  for (const name of ["status", "trouble"]) part(name).textContent = "";
  for (const control of dialog.querySelectorAll("button, input, textarea")) control.disabled = false;
  part("title").textContent = asked.title;
  for (const field of dialog.querySelectorAll("[data-field]")) {
    field.hidden = !wanted().includes(field.dataset.field);
    part(field.dataset.field).value = "";
  }
  part("symbol").textContent = asked.symbol ?? "";
  dialog.showModal();
  if (wanted().includes("policy")) {
    await run(async say => {
      const text = await draftOf(asked, chainId);
      say("");
      part("policy").value = text;
    });
  }
  // A stop asks nothing more: what it does is shown at once.
  if (wanted().length > 0) return part(wanted()[0]).focus();
  await shown();
}

/** Shows what it does, and leads on to doing it. */
async function shown() {
  await run(look);
  if (plan) part(part("send").hidden ? "export" : "send").focus();
}

document.addEventListener("click", event => {
  const button = event.target.closest?.("button[data-act]");
  if (button) open(button);
});
dialog.querySelector("form").addEventListener("submit", event => {
  event.preventDefault();
  shown();
});
dialog.addEventListener("input", event => {
  if (event.target.name === "wallet") part("from").value = "";
  forget();
});
part("send").addEventListener("click", () => run(go));
part("close").addEventListener("click", () => dialog.close());
part("switch").querySelector("button").addEventListener("click", () =>
  run(async say => {
    await switchTo(wallets.chosen(), chainId);
    part("switch").hidden = true;
    say(`The wallet is on ${dialog.dataset.chain} now. Go on.`);
  }),
);
document.documentElement.dataset.desk = "ready";
