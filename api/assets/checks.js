// A payment against the chain, link by link, computed in this page from what the reader's node says: the twin of
// api/src/verify. Each check is {link, what, outcome, expected, found, source, why} as GET …/verification spells it.
import { getAddress, keccak256, stringToBytes } from "./vendor/viem.js";
import { Unchecked, events, missing, receiptOf, said } from "./facts.js";
import { commitment, recovered, sealer, signedIn } from "./signed.js";
import { allows, hashOfStamp } from "./stamps.js";
import { leadsTo, opened } from "./transparency.js";

const APPROVER = 8;
const STAMPER = 32;
/** Most links of a chain of stamps. */
const MAX_LINKS = 4;
const ENTRY = "bursar.log-entry/1";
const KEPT = "the record that this service keeps";
const NOBODY = "nobody";
const NO_TX = "no such transaction";

const same = (expected, found) => ({ expected: String(expected), found: String(found), holds: String(expected) === String(found) });
/** What fails whatever the texts say: what this page finds missing is no value that the evidence could spell as well. */
const failed = (expected, found) => ({ expected: String(expected), found: String(found), holds: false });
const holding = (expected, found) => ({ expected: String(expected), found: String(found), holds: true });
const hashOf = text => keccak256(stringToBytes(text));

/** Every link of a payment, in the order of its story. */
export async function checks(evidence, facts) {
  const found = [];
  const odd = unreadable(evidence);
  for (const [link, what, source, check] of links(evidence)) {
    const of = { link, what, source, expected: null, found: null, why: null };
    try {
      if (odd) missing(`the evidence's ${odd} does not read`);
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

const isHash = text => typeof text === "string" && /^0x[0-9a-f]{64}$/.test(text);
const isCount = number => Number.isSafeInteger(number) && number >= 0;
/** Seconds; where they are too many to count, there is no end. */
const isTime = number => Number.isInteger(number) && number >= 0;
const isAmount = text => typeof text === "string" && /^[0-9]{1,29}$/.test(text);
const isBytes = text => typeof text === "string" && /^0x([0-9a-f]{2})*$/.test(text);
const isText = text => typeof text === "string";
const orNull = is => value => value === null || is(value);

function isAddress(text) {
  try {
    return typeof text === "string" && getAddress(text) === text;
  } catch {
    return false;
  }
}

/** The first value of the evidence that is not what its name says; null where all are. */
export function unreadable(evidence) {
  const { chainId, payment, session, stamps, policy, decision, outcomes, log } = evidence;
  const values = [["chainId", chainId, isCount]];
  const add = (of, is, ...names) => values.push(...names.map(name => [name, of?.[name], is]));
  add(payment, isAddress, "treasury", "purse", "payee", "asset", "agent");
  add(payment, isHash, "nonce", "session", "blockHash", "txHash");
  add(payment, isCount, "envelope", "policyVersion", "blockNumber", "timestamp", "logIndex");
  add(payment, isAmount, "amount");
  add(payment, orNull(isAddress), "approver");
  add(payment, orNull(isHash), "decisionHash");
  add(payment, isText, "rail");
  if (session) {
    add(session, isAddress, "key");
    add(session, isHash, "stampHash", "openedTx");
    add(session, isCount, "sequence");
  }
  if (stamps) {
    add(stamps, Array.isArray, "links");
    for (const link of Array.isArray(stamps.links) ? stamps.links : []) {
      add(link, isHash, "hash", "parent", "agentRef", "scopeHash", "windowsHash", "policyHash", "httpsigJkt", "workloadHash", "salt");
      add(link, isAddress, "issuer", "subject");
      add(link, isAmount, "perPaymentMax", "totalMax");
      add(link, isTime, "notBefore", "notAfter");
      add(link, isCount, "depthLeft", "epoch");
      add(link, isBytes, "scopeBytes", "signature");
    }
  }
  if (policy) {
    add(policy, isHash, "setTx");
    add(policy, orNull(isText), "text");
  }
  values.push(["outcomes", outcomes, Array.isArray]);
  for (const kept of [decision, ...(Array.isArray(outcomes) ? outcomes : [])].filter(Boolean)) {
    add(kept, isText, "canonical");
    add(kept, orNull(isBytes), "seal");
  }
  if (log) {
    const areHashes = path => Array.isArray(path) && path.every(isHash);
    add(log, isCount, "size");
    add(log, isHash, "root");
    add(log, Array.isArray, "entries");
    for (const entry of Array.isArray(log.entries) ? log.entries : []) {
      add(entry, isCount, "number");
      add(entry, isText, "leaf");
      add(entry, areHashes, "path");
      if (!entry?.anchor) continue;
      add(entry.anchor, isCount, "size");
      add(entry.anchor, isHash, "txHash");
      add(entry.anchor, areHashes, "path");
    }
  }
  return values.find(([, value, is]) => !is(value))?.[0] ?? null;
}

/** What of the evidence is not as the page shows it, `shown`, by name; null where all is. */
export function another({ chainId, payment }, shown) {
  const told = { ...payment, chainId };
  const differs = name => String(told[name]) !== shown[name];
  return ["chainId", "treasury", "purse", "nonce", "asset", "payee", "amount"].find(differs) ?? null;
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
    ["issuers", "A stamper vouched for the agent, link by link, for payments like this one", treasury, issuers],
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
  if (texts.length === 0) return failed(expected, nothing);
  return same(expected, texts.find(text => text === expected) ?? texts[0]);
}

/* THE PAYMENT */

function block({ payment }, facts) {
  const found = said(facts.block);
  const expected = `${payment.blockHash} of ${payment.timestamp}`;
  return found ? same(expected, `${found.hash} of ${Number(found.timestamp)}`) : failed(expected, "no such block");
}

function settlement({ payment }, facts) {
  const text = (to, amount, block) => `${amount} atomic units of ${payment.asset} to ${getAddress(to)}, in block ${block}`;
  const expected = text(payment.payee, payment.amount, payment.blockHash);
  const receipt = receiptOf(facts, payment.txHash);
  if (!receipt) return failed(expected, NO_TX);
  if (Number(receipt.status) !== 1) return failed(expected, "a transaction that reverted");
  const moved = moving(payment, receipt);
  if (!moved) return failed(expected, "no transfer from the purse that goes with it");
  const found = text(moved.to, moved.value, receipt.blockHash);
  if (found !== expected) return failed(expected, found);
  // An envelope's token never changes: how it stands now says how it stood.
  const asset = getAddress(said(facts.envelope).asset);
  if (asset !== payment.asset) return failed(`${expected}, the envelope's token`, `${found}, where the envelope's is ${asset}`);
  return holding(`${expected}, the envelope's token`, `${found}, the envelope's token`);
}

/**
 * The transfer that goes with the payment. Permit2's is the one that the evidence names; the token's own is paired with the
 * nonce's `AuthorizationUsed` as the ledger pairs them: the next one of the payer that is not taken, else the last before it.
 */
function moving(payment, receipt) {
  const moved = events(receipt, payment.asset, "Transfer");
  if (payment.rail !== "eip3009") {
    return moved.find(({ from, logIndex }) => getAddress(from) === payment.purse && logIndex === payment.logIndex);
  }
  const taken = new Set();
  for (const used of events(receipt, payment.asset, "AuthorizationUsed")) {
    const fits = ({ from, logIndex }) => getAddress(from) === getAddress(used.authorizer) && !taken.has(logIndex);
    const next = moved.find(it => it.logIndex > used.logIndex && fits(it));
    const transfer = next ?? moved.findLast(it => it.logIndex < used.logIndex && fits(it));
    if (getAddress(used.authorizer) === payment.purse && used.nonce === payment.nonce) return transfer;
    if (transfer) taken.add(transfer.logIndex);
  }
  return undefined;
}

function nonce({ payment }, facts) {
  if (payment.rail !== "eip3009") missing("Permit2 logs no nonce: the session key's signature is over it");
  const expected = `${payment.nonce}, log ${payment.logIndex}`;
  const receipt = receiptOf(facts, payment.txHash);
  if (!receipt) return failed(expected, NO_TX);
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

/** The same, as far as the node tells; nothing can be checked without it. */
function openingTold(evidence, facts) {
  const { session } = evidence;
  if (!session) missing("the ledger does not know the session");
  return opening(evidence, receiptOf(facts, session.openedTx)) ?? missing("the chain does not tell of the session");
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
  const text = (id, key, envelope) => `${id}, key ${key}, of envelope ${envelope} of treasury ${payment.treasury}`;
  const expected = text(payment.session, session.key, payment.envelope);
  const receipt = receiptOf(facts, session.openedTx);
  if (!receipt) return failed(expected, NO_TX);
  const event = opening(evidence, receipt);
  if (!event) return failed(expected, "no session of the purse");
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
  const { session } = evidence;
  if (!session) missing("the ledger does not know the session");
  const call = settling(evidence, facts);
  if (!call) return failed(session.key, "no call of this payment in the transaction");
  const key = getAddress(openingTold(evidence, facts).key);
  const by = await recovered(call.digest, call.blob.signature);
  return by === key ? holding(key, by) : failed(key, by ?? NOBODY);
}

async function approval(evidence, facts) {
  const call = settling(evidence, facts);
  if (!call) return failed("a call of this payment", "none in the transaction");
  const { approver } = evidence.payment;
  const given = call.blob.approval;
  if (!given) return approver ? failed(approver, "no approval in the transaction") : unneeded(evidence, facts, call.blob.amount);
  const by = given.contract ? given.contract : await recovered(call.approvalDigest, given.signature);
  if (by === null || by !== approver) return failed(approver ?? NOBODY, by ?? NOBODY);
  if (given.contract) {
    const confirmed = said(await facts.confirms(given.contract, call.approvalDigest, given.signature));
    if (confirmed === null) return failed(approver, `${by}, where there is no contract`);
    if (confirmed !== true) return failed(approver, `${by}, whose contract does not take it for its own`);
  }
  // The treasury asked for the role when it let the payment through; here it is asked again, as it stood then.
  const { roles } = said(facts.account);
  if (!facts.account.then) missing(`${by} signed it; the node does not tell whether they were an approver then`);
  return BigInt(roles) & BigInt(APPROVER)
    ? holding(`${approver}, an approver`, `${by}, an approver`)
    : failed(`${approver}, an approver`, `${by}, no approver`);
}

/** That nobody was asked, since nobody had to be: by the policy, and by the session, as the chain has them. */
function unneeded(evidence, facts, amount) {
  const { policy, payment } = evidence;
  if (!policy) missing("the ledger has not got the policy");
  const set = policySet(evidence, receiptOf(facts, policy.setTx));
  const event = openingTold(evidence, facts);
  if (Number(event.policyVersion) !== payment.policyVersion) return otherVersion(event, payment);
  if (!set) missing("the chain does not tell the policy");
  const [most, own] = [set.policy.approvalThreshold, event.scope.approvalThreshold];
  const threshold = own !== 0n && own < most ? own : most;
  return { expected: `an approval above ${threshold}`, found: `none, of ${amount}`, holds: amount <= threshold };
}

/** The policy in force is the one that the session was opened under. */
const otherVersion = (event, { policyVersion }) =>
  failed(`policy version ${Number(event.policyVersion)}, as the session has it`, `policy version ${policyVersion}`);

/* WHAT WAS WRITTEN DOWN */

function stamp(evidence, facts) {
  const event = openingTold(evidence, facts);
  const { stampHash } = evidence.session;
  const shown = hash => (BigInt(hash) === 0n ? "none shown" : hash);
  const [expected, found] = [shown(stampHash), shown(event.stampHash)];
  if (stampHash !== event.stampHash) return failed(expected, found);
  if (BigInt(stampHash) === 0n) missing("no stamp was shown");
  // What is revoked stays so.
  const revoked = said(facts.revoked);
  if (revoked && !facts.revoked.then) missing("it is revoked now; the node does not tell whether it was then");
  return same(`${expected}, not revoked`, `${found}, ${revoked ? "revoked" : "not revoked"}`);
}

/** From the stamp that the treasury logged back to a root that a stamper issued. */
async function issuers(evidence, facts) {
  const expected = "from a stamper to this agent, for payments like this one";
  const event = openingTold(evidence, facts);
  if (BigInt(event.stampHash) === 0n) missing("no stamp was shown");
  const links = evidence.stamps?.links ?? missing("nobody has handed in what the stamp is delegated from");
  const counts = ({ notBefore, notAfter }) => [notBefore, notAfter].every(Number.isSafeInteger);
  if (links.length > MAX_LINKS) return failed(expected, `${links.length} links`);
  if (!links.every(counts)) missing("a link's times are beyond what this page counts exactly");
  let before = null;
  for (const [at, link] of links.entries()) {
    const wrong = await brokenIn(link, before, evidence);
    if (wrong) return failed(expected, `link ${at} ${wrong}`);
    before = { ...link, hash: hashOfStamp(link, evidence) };
  }
  if (before?.hash !== event.stampHash) return failed(expected, "another stamp than the session was opened under");
  const agent = getAddress(asOfThen(facts.envelope, "who the agent was").agent);
  if (before.subject !== agent) return same(agent, before.subject);
  const asked = links.findIndex(link => link.byContract);
  if (asked !== -1) missing(`link ${asked} is signed by a contract, which alone can tell`);
  // What is revoked stays so.
  if (said(facts.parentsRevoked) && asOfThen(facts.parentsRevoked, "whether a link was revoked")) return failed(expected, "a link was revoked");
  const epoch = Number(asOfThen(facts.organisation, "which the stamp epoch was").stampEpoch);
  if (epoch !== before.epoch) return failed(`stamp epoch ${epoch}`, `stamp epoch ${before.epoch}`);
  const [{ issuer }] = links;
  const { roles } = asOfThen(facts.stamper, "who the stampers were");
  if (!(BigInt(roles) & BigInt(STAMPER))) return failed("a root by a stamper", issuer);
  return holding(expected, `${links.length} links from ${issuer}`);
}

/** What is wrong with a link after the one before it, of which the payment has to be within each; null where nothing is. */
async function brokenIn(link, before, { chainId, payment }) {
  const hash = hashOfStamp(link, { chainId, payment });
  // What was asked of the node was asked about the hash that is spelled.
  if (link.hash !== hash) return "has another hash than was signed";
  if (BigInt(link.parent) !== BigInt(before?.hash ?? 0)) return "is delegated from another";
  if (before && link.issuer !== before.subject) return "is not issued by the one before it";
  if (before && !(link.depthLeft < before.depthLeft)) return "was not to be delegated";
  if (before && link.epoch !== before.epoch) return "is of another epoch";
  if (before && link.policyHash !== before.policyHash) return "is bound to another policy";
  const wider = name => BigInt(link[name]) > BigInt(before[name]);
  if (before && (wider("perPaymentMax") || wider("totalMax"))) return "has a higher limit than the one before it";
  if (before && (link.notBefore < before.notBefore || link.notAfter > before.notAfter)) return "is valid for longer than the one before it";
  if (!before && link.issuer === link.subject) return "is issued by its own subject";
  if (!link.byContract && (await recovered(hash, link.signature)) !== link.issuer) return "is not signed by its issuer";
  if (keccak256(link.scopeBytes) !== link.scopeHash) return "has another scope than was signed";
  if (!(link.notBefore <= payment.timestamp && payment.timestamp < link.notAfter)) return "was not valid then";
  if (BigInt(payment.amount) > BigInt(link.perPaymentMax)) return "allows less for one payment";
  if (!allows(link.scopeBytes, payment)) return "does not allow this token or payee";
  return null;
}

/** As it stood at the payment's block, and at no other. */
function asOfThen(fact, what) {
  const value = said(fact);
  return fact.then ? value : missing(`the node does not tell ${what} then`);
}

function policyText(evidence, facts) {
  const { policy, payment } = evidence;
  if (!policy) missing("the ledger has not got the policy");
  if (policy.text === null) missing("nobody has handed in its text");
  const set = policySet(evidence, receiptOf(facts, policy.setTx));
  const hash = hashOf(policy.text);
  if (!set) return failed("a policy of this version", "none in that transaction");
  const event = openingTold(evidence, facts);
  if (Number(event.policyVersion) !== payment.policyVersion) return otherVersion(event, payment);
  return same(set.policy.policyHash, hash);
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
  return others.length === 0 ? holding("the same", "the same") : failed("the same", `another ${others.join(", ")}`);
}

const seal = (evidence, facts) => sealed(evidence, facts, "DecisionRecord", kept(evidence));

/** Whose seal it is: the agent's as the treasury named it then, or the session key's as it logged it. */
async function sealed(evidence, facts, type, { canonical, seal }) {
  if (seal === null) missing("it carries no seal");
  const either = "the agent's, or the session key's";
  const by = await sealer(type, evidence, hashOf(canonical), seal);
  if (by === null) return failed(either, NOBODY);
  const key = tried(() => getAddress(openingTold(evidence, facts).key));
  if (by === key.value) return holding(either, by);
  const agent = getAddress(said(facts.envelope).agent);
  if (!facts.envelope.then && (by === agent || by === evidence.payment.agent)) {
    missing("the node does not tell who the agent was then");
  }
  if (by === agent) return holding(agent, by);
  // Whether the session's key made it is not known.
  if (key.why) missing(key.why);
  return failed(agent, by);
}

/** {value}, or {why} it cannot be checked. */
function tried(work) {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof Unchecked) return { why: error.message };
    throw error;
  }
}

async function outcome(evidence, facts) {
  let last = null;
  for (const revision of evidence.outcomes) {
    const { decisionHash } = JSON.parse(revision.canonical);
    if (!isHash(decisionHash) || decisionHash !== evidence.payment.decisionHash) {
      return failed("an outcome of this payment's decision", "one of another, or none");
    }
    last = await sealed(evidence, facts, "OutcomeRecord", revision);
    if (!last.holds) break;
  }
  return last ?? missing("the agent has not said");
}

/* THE LOG */

const rootOf = (size, root) => `root ${root} of ${size} entries`;
const logOf = ({ log }) => log ?? missing("the treasury's log is empty");

/** The records of the payment, as the log has to tell of each: the kind of its entry, and its hash. */
function recordsOf({ payment, decision, outcomes }) {
  const hash = decision ? hashOf(decision.canonical) : payment.erased && payment.decisionHash;
  const records = new Set(outcomes.map(({ canonical }) => `outcome ${hashOf(canonical)}`));
  if (hash) records.add(`decision ${hash}`);
  return records.size > 0 ? records : missing("no record is known");
}

/** What an entry is about, spelled as `recordsOf` does; null where it is no entry of this treasury's log. */
function toldBy({ leaf }, { payment }) {
  try {
    const { schema, kind, treasury, subject } = JSON.parse(leaf);
    const ours = schema === ENTRY && treasury.toLowerCase() === payment.treasury.toLowerCase();
    return ours ? `${kind} ${subject}` : null;
  } catch {
    return null;
  }
}

/** Every record that is known has its entry, and every entry its way to the root. */
function inLog(evidence) {
  const { size, root, entries } = logOf(evidence);
  const records = recordsOf(evidence);
  for (const entry of entries) {
    if (!leadsTo(root, { ...entry, size })) return failed(rootOf(size, root), `entry ${entry.number} does not lead to it`);
  }
  const told = new Set(entries.map(entry => toldBy(entry, evidence)));
  const text = count => `${count} records below ${rootOf(size, root)}`;
  return same(text(records.size), text([...records].filter(record => told.has(record)).length));
}

function checkpoint(evidence) {
  const { size, root, checkpoint } = logOf(evidence);
  if (!checkpoint) missing("this service signs no checkpoints");
  const place = `/eip155:${evidence.chainId}/${evidence.payment.treasury.toLowerCase()}`;
  const text = (size, root, origin) => `${rootOf(size, root)}, of the log …${origin.endsWith(place) ? place : origin}`;
  const expected = text(size, root, place);
  const told = opened(checkpoint);
  if (!told) return failed(expected, "a checkpoint that its key did not sign");
  return same(expected, text(told.size, told.root, told.origin));
}

/** Every record has its own entry below a root that the treasury logged. */
function anchored(evidence, facts) {
  const { entries } = logOf(evidence);
  const records = recordsOf(evidence);
  const [below, roots] = [new Set(), new Set()];
  for (const entry of entries.filter(({ anchor }) => anchor)) {
    const { size, txHash, path } = entry.anchor;
    const told = events(receiptOf(facts, txHash), evidence.payment.treasury, "Anchored");
    const root = told.find(event => Number(event.size) === size)?.root;
    if (!root) return failed(`a root of ${size} entries`, "none in that transaction");
    if (!leadsTo(root, { ...entry, size, path })) return failed(rootOf(size, root), `entry ${entry.number} does not lead to it`);
    below.add(toldBy(entry, evidence));
    roots.add(rootOf(size, root));
  }
  const without = [...records].filter(record => !below.has(record)).length;
  if (without > 0) missing(`${without} of ${records.size} records have no entry below a root on the chain yet`);
  const text = `${records.size} records below ${[...roots].join(", ")}`;
  return holding(text, text);
}
