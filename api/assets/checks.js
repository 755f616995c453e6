// A payment against the chain, link by link, computed in this page from what the reader's node says: the twin of
// api/src/verify. Each check is {link, what, outcome, expected, found, source, why} as GET …/verification spells it.
import { getAddress, keccak256, stringToBytes } from "./vendor/viem.js";
import { Unchecked, events, missing, receiptOf, said } from "./facts.js";
import { commitment, recovered, sealer, signedIn } from "./signed.js";
import { leadsTo, opened } from "./transparency.js";

const APPROVER = 8;
const KEPT = "the record that this service keeps";
const NO_TX = "no such transaction";

const same = (expected, found) => ({ expected: String(expected), found: String(found), holds: String(expected) === String(found) });
const hashOf = text => keccak256(stringToBytes(text));

/** Every link of a payment, in the order of its story. */
export async function checks(evidence, facts) {
  const found = [];
  for (const [link, what, source, check] of links(evidence)) {
    const of = { link, what, source, expected: null, found: null, why: null };
    try {
      if (facts.none && !OURS.has(link)) missing(facts.none.why);
      const { expected, found: is, holds } = await check(evidence, facts);
      found.push({ ...of, outcome: holds ? "holds" : "fails", expected, found: is });
    } catch (error) {
      if (!(error instanceof Unchecked)) console.error(error);
      const why = error instanceof Unchecked ? error.message : "what came for it does not read";
      found.push({ ...of, outcome: "unchecked", why });
    }
  }
  return found;
}

/** What takes no node. */
const OURS = new Set(["record", "words", "log", "checkpoint"]);

function links({ payment, session, policy, log }) {
  const receipt = `receipt of ${payment.txHash}`;
  const [input, treasury] = [`input of ${payment.txHash}`, `treasury ${payment.treasury}`];
  const of = hash => (hash ? `receipt of ${hash}` : "");
  const anchor = log?.entries.find(entry => entry.anchor)?.anchor;
  const key = "the key that this service names: hold it against the one you were given";
  return [
    ["block", "The block is the chain's", `block ${payment.blockNumber}`, block],
    ["settlement", "The token moved this amount from the purse to the payee", receipt, settlement],
    ["nonce", "The token used this nonce for it", receipt, nonce],
    ["session", "The treasury opened this session, with this key", of(session?.openedTx), openedSession],
    ["signature", "The session's key signed the payment", input, signature],
    ["stamp", "The identity stamp is the one shown to the treasury, and was not revoked", treasury, stamp],
    ["policy", "The policy's text is the one in force", of(policy?.setTx), policyText],
    ["record", "The nonce commits to the decision record", KEPT, record],
    ["words", "The record tells of this payment", KEPT, words],
    ["seal", "The agent sealed the record", treasury, seal],
    ["approval", "A human approved it, where one had to", input, approval],
    ["outcome", "The agent sealed what came of it", treasury, outcome],
    ["log", "The records are in the transparency log", "the log that this service keeps", inLog],
    ["checkpoint", "The log's keeper signed its root", key, checkpoint],
    ["anchor", "A root above them is on the chain", of(anchor?.txHash), anchored],
  ];
}

/** Of what a transaction logged, what is as expected, or the first. */
function among(expected, texts, nothing) {
  return same(expected, texts.find(text => text === expected) ?? texts[0] ?? nothing);
}

/* THE PAYMENT */

function block({ payment }, facts) {
  const found = said(facts.block);
  const expected = `${payment.blockHash} of ${payment.timestamp}`;
  return same(expected, found ? `${found.hash} of ${Number(found.timestamp)}` : "no such block");
}

function settlement({ payment }, facts) {
  const text = (to, amount, block) => `${amount} atomic units to ${getAddress(to)}, in block ${block}`;
  const expected = text(payment.payee, payment.amount, payment.blockHash);
  const receipt = receiptOf(facts, payment.txHash);
  if (!receipt) return same(expected, NO_TX);
  if (Number(receipt.status) !== 1) return same(expected, "a transaction that reverted");
  const moved = events(receipt, payment.asset, "Transfer").filter(({ from }) => getAddress(from) === payment.purse);
  return among(expected, moved.map(({ to, value }) => text(to, value, receipt.blockHash)), "no transfer from the purse");
}

function nonce({ payment }, facts) {
  if (payment.rail !== "eip3009") missing("Permit2 logs no nonce: the session key's signature is over it");
  const expected = `${payment.nonce}, log ${payment.logIndex}`;
  const receipt = receiptOf(facts, payment.txHash);
  if (!receipt) return same(expected, NO_TX);
  const used = events(receipt, payment.asset, "AuthorizationUsed");
  const texts = used
    .filter(({ authorizer }) => getAddress(authorizer) === payment.purse)
    .map(({ nonce, logIndex }) => `${nonce}, log ${logIndex}`);
  return among(expected, texts, "no nonce of the purse");
}

/** What the treasury logged when it opened the session. */
function opening({ payment, session }, receipt) {
  return events(receipt, payment.treasury, "SessionOpened").find(
    event => getAddress(event.purse) === payment.purse && Number(event.sequence) === session.sequence,
  );
}

/** What the treasury logged when it put the policy in force. */
function policySet({ payment }, receipt) {
  return events(receipt, payment.treasury, "PolicySet").find(
    ({ envelope, version }) => Number(envelope) === payment.envelope && Number(version) === payment.policyVersion,
  );
}

function openedSession(evidence, facts) {
  const { payment, session } = evidence;
  if (!session) missing("the ledger does not know the session");
  const text = (id, key, envelope) => `${id}, key ${key}, of envelope ${envelope}`;
  const expected = text(payment.session, session.key, payment.envelope);
  const receipt = receiptOf(facts, session.openedTx);
  if (!receipt) return same(expected, NO_TX);
  const event = opening(evidence, receipt);
  if (!event) return same(expected, "no session of the purse");
  const id = `${event.purse.toLowerCase()}${Number(event.sequence).toString(16).padStart(24, "0")}`;
  return same(expected, text(id, getAddress(event.key), Number(event.envelope)));
}

/** The call that settled the payment; null where the transaction has none. */
function settling(evidence, facts) {
  const transaction = said(facts.transaction);
  const separator = said(facts.domainSeparator);
  return transaction && signedIn(transaction.input, evidence, separator);
}

async function signature(evidence, facts) {
  const key = evidence.session?.key ?? missing("the ledger does not know the session");
  const call = settling(evidence, facts);
  if (!call) return same(key, "no call of this payment in the transaction");
  return same(key, await recovered(call.digest, call.blob.signature));
}

async function approval(evidence, facts) {
  const call = settling(evidence, facts);
  if (!call) return same("a call of this payment", "none in the transaction");
  const { approver } = evidence.payment;
  const given = call.blob.approval;
  if (!given) return approver ? same(approver, "no approval in the transaction") : unneeded(evidence, facts, call.blob.amount);
  const by = given.contract ? await byContract(facts, given, call) : await recovered(call.approvalDigest, given.signature);
  const expected = approver ?? "nobody";
  if (by !== expected) return same(expected, by);
  // The treasury asked for the role when it let the payment through; here it is asked again.
  const { roles } = said(facts.account);
  if (roles & APPROVER) return same(`${expected}, an approver`, `${by}, an approver`);
  if (facts.account.then) return same(`${expected}, an approver`, `${by}, no approver`);
  return missing(`${by} signed it; the node does not tell whether they were an approver then`);
}

async function byContract(facts, { contract, signature }, { approvalDigest }) {
  const confirmed = said(await facts.confirms(contract, approvalDigest, signature));
  if (confirmed) return contract;
  return confirmed === null
    ? `${contract}, where there is no contract`
    : `${contract}, whose contract does not take it for its own`;
}

/** That nobody was asked, since nobody had to be: by the policy, and by the session, as the chain has them. */
function unneeded(evidence, facts, amount) {
  const { policy, session } = evidence;
  if (!policy) missing("the ledger has not got the policy");
  if (!session) missing("the ledger does not know the session");
  const set = policySet(evidence, receiptOf(facts, policy.setTx));
  const event = opening(evidence, receiptOf(facts, session.openedTx));
  if (!set || !event) missing("the chain does not tell the policy and the session");
  const [most, own] = [set.policy.approvalThreshold, event.scope.approvalThreshold];
  const threshold = own !== 0n && own < most ? own : most;
  return { expected: `an approval above ${threshold}`, found: `none, of ${amount}`, holds: amount <= threshold };
}

/* WHAT WAS WRITTEN DOWN */

function stamp(evidence, facts) {
  const { session } = evidence;
  if (!session) missing("the ledger does not know the session");
  const event = opening(evidence, receiptOf(facts, session.openedTx));
  if (!event) missing("the chain does not tell of the session");
  const shown = hash => (BigInt(hash) === 0n ? "none shown" : hash);
  const [expected, found] = [shown(session.stampHash), shown(event.stampHash)];
  if (expected !== found || BigInt(session.stampHash) === 0n) return same(expected, found);
  // What is revoked stays so.
  const revoked = said(facts.revoked);
  if (revoked && !facts.revoked.then) missing("it is revoked now; the node does not tell whether it was then");
  return same(`${expected}, not revoked`, `${found}, ${revoked ? "revoked" : "not revoked"}`);
}

function policyText(evidence, facts) {
  const { policy } = evidence;
  if (!policy) missing("the ledger has not got the policy");
  if (policy.text === null) missing("nobody has handed in its text");
  const set = policySet(evidence, receiptOf(facts, policy.setTx));
  return same(set ? set.policy.policyHash : "no such policy", hashOf(policy.text));
}

function kept({ decision, payment }) {
  const why = payment.erased ? "it was erased" : "no record is known that the nonce commits to";
  return decision ?? missing(why);
}

function record(evidence) {
  const { payment } = evidence;
  const { canonical } = kept(evidence);
  const { epoch = 0 } = JSON.parse(canonical);
  return same(payment.nonce, commitment(epoch, payment.policyVersion, payment.session, hashOf(canonical)));
}

function words(evidence) {
  const { payment } = evidence;
  const told = JSON.parse(kept(evidence).canonical);
  const differs = name => String(told[name]).toLowerCase() !== String(payment[name]).toLowerCase();
  const most = payment.rail === "permit2_upto" && BigInt(told.amount) > BigInt(payment.amount);
  const others = ["treasury", "envelope", "agent", "purse", "payee", "asset", "amount"]
    .filter(differs)
    .filter(name => !(name === "amount" && most));
  return same("the same", others.length === 0 ? "the same" : `another ${others.join(", ")}`);
}

const seal = (evidence, facts) => sealed(evidence, facts, "DecisionRecord", kept(evidence));

/** Whose seal it is: the agent's as the treasury names it, or the session key's. */
async function sealed(evidence, facts, type, { canonical, seal }) {
  if (seal === null) missing("it carries no seal");
  const by = await sealer(type, evidence, hashOf(canonical), seal);
  if (by === evidence.session?.key) return { expected: "the agent's, or the session key's", found: by, holds: true };
  const { agent } = said(facts.envelope);
  if (by !== agent && !facts.envelope.then && by === evidence.payment.agent) {
    missing("the envelope has another agent now; the node does not tell who it was then");
  }
  return same(agent, by);
}

async function outcome(evidence, facts) {
  let last = null;
  for (const revision of evidence.outcomes) {
    const { decisionHash } = JSON.parse(revision.canonical);
    if (decisionHash !== evidence.payment.decisionHash) {
      return same("an outcome of this payment's decision", "one of another, or none");
    }
    last = await sealed(evidence, facts, "OutcomeRecord", revision);
    if (!last.holds) break;
  }
  return last ?? missing("the agent has not said");
}

/* THE LOG */

const rootOf = (size, root) => `root ${root} of ${size} entries`;
const logOf = ({ log }) => log ?? missing("the treasury's log is empty");

/** Every record that is kept has its entry, and every entry its way to the root. */
function inLog(evidence) {
  const { size, root, entries } = logOf(evidence);
  const records = [evidence.decision, ...evidence.outcomes].filter(Boolean).map(({ canonical }) => hashOf(canonical));
  if (records.length === 0 && entries.length === 0) missing("no record is known");
  for (const entry of entries) {
    if (!leadsTo(root, { ...entry, size })) return same(rootOf(size, root), `entry ${entry.number} does not lead to it`);
  }
  const told = new Set(entries.map(({ leaf }) => JSON.parse(leaf).subject));
  const text = count => `${count} records below ${rootOf(size, root)}`;
  return same(text(records.length), text(records.filter(hash => told.has(hash)).length));
}

function checkpoint(evidence) {
  const { size, root, checkpoint } = logOf(evidence);
  if (!checkpoint) missing("this service signs no checkpoints");
  const place = `/eip155:${evidence.chainId}/${evidence.payment.treasury.toLowerCase()}`;
  const text = (size, root, origin) => `${rootOf(size, root)}, of the log …${origin.endsWith(place) ? place : origin}`;
  const expected = text(size, root, place);
  const told = opened(checkpoint);
  return same(expected, told ? text(told.size, told.root, told.origin) : "a checkpoint that its key did not sign");
}

function anchored(evidence, facts) {
  let last = null;
  for (const entry of logOf(evidence).entries.filter(({ anchor }) => anchor)) {
    const { size, txHash, path } = entry.anchor;
    const told = events(receiptOf(facts, txHash), evidence.payment.treasury, "Anchored");
    const root = told.find(event => Number(event.size) === size)?.root;
    if (!root) return same(`a root of ${size} entries`, "none in that transaction");
    const holds = leadsTo(root, { ...entry, size, path });
    last = { expected: rootOf(size, root), found: `entry ${entry.number} ${holds ? "leads" : "does not lead"} to it`, holds };
    if (!holds) break;
  }
  return last ?? missing("no root above them is on the chain yet");
}
