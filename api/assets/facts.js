// What a node says about one payment, asked through the reader's wallet (EIP-1193): nothing here asks this service.
// Each fact is {value}, or {why} it is not known; what stood at the payment's block also says whether it is of `then`.
import { abi, decodeEventLog, decodeFunctionResult, encodeFunctionData, getAddress, numberToHex } from "./vendor/viem.js";

/** A node's answers to everything that `evidence` names; `request` is the wallet's. */
export async function ask(request, evidence) {
  const { payment, session, stamps, policy, log } = evidence;
  const told = (method, ...params) => known(() => request({ method, params }));
  const chain = await told("eth_chainId");
  if (chain.why || Number(chain.value) !== evidence.chainId) {
    const why = chain.why ?? `the wallet is on chain ${Number(chain.value)}, not ${evidence.chainId}`;
    return { none: { why } };
  }
  const then = numberToHex(payment.blockNumber);
  const names = [payment.txHash, session?.openedTx, policy?.setTx, ...anchors(log)].filter(Boolean);
  const receipts = new Map();
  for (const hash of new Set(names)) receipts.set(hash, await told("eth_getTransactionReceipt", hash));
  const call = (to, functionName, args, block) => called(request, { to, functionName, args }, block);
  /** At the payment's block; or now, where the node keeps no older state. */
  const stood = async (to, functionName, args) => {
    const before = await known(() => call(to, functionName, args, then));
    if (!before.why) return { ...before, then: true };
    return { ...(await known(() => call(to, functionName, args, "latest"))), then: false };
  };
  const { treasury, approver } = payment;
  const shown = session && BigInt(session.stampHash) !== 0n;
  const [root] = stamps?.links ?? [];
  /** Whether any link but the last is revoked; as little is known of all as of the one that least is known of. */
  const anyRevoked = async () => {
    for (const { hash } of stamps.links.slice(0, -1)) {
      const fact = await stood(treasury, "isStampRevoked", [hash]);
      if (fact.why || fact.value) return fact;
    }
    return { value: false, then: true };
  };
  return {
    block: await told("eth_getBlockByNumber", then, false),
    receipts,
    transaction: await told("eth_getTransactionByHash", payment.txHash),
    domainSeparator: await known(() => call(payment.asset, "DOMAIN_SEPARATOR", [], "latest")),
    envelope: await stood(treasury, "envelope", [payment.envelope]),
    account: approver ? await stood(treasury, "account", [approver]) : null,
    revoked: shown ? await stood(treasury, "isStampRevoked", [session.stampHash]) : null,
    stamper: root ? await stood(treasury, "account", [root.issuer]) : null,
    organisation: root ? await stood(treasury, "organisation", []) : null,
    parentsRevoked: root ? await anyRevoked() : null,
    /** Whether a contract takes a signature for its own (EIP-1271); null where there is no contract. */
    confirms: (contract, digest, signature) => known(async () => {
      const code = await request({ method: "eth_getCode", params: [contract, then] });
      if (code === "0x") return null;
      try {
        return (await call(contract, "isValidSignature", [digest, signature], then)) === "0x1626ba7e";
      } catch (error) {
        // A contract that reverts, or answers with something else, says no. A node that does not answer says nothing.
        if (isAnswer(error)) return false;
        throw error;
      }
    }),
  };
}

function anchors(log) {
  return (log?.entries ?? []).flatMap(({ anchor }) => (anchor ? [anchor.txHash] : []));
}

/** Whether a node has answered, with an error of the call: neither the wallet's own (4001 to 4902) nor none at all. */
function isAnswer(error) {
  const code = error?.code;
  return code === undefined ? error?.name?.startsWith("Abi") === true : code === 3 || (code <= -32000 && code >= -32099 && code !== -32002);
}

async function called(request, { to, functionName, args }, block) {
  const of = abi[functionName];
  const data = encodeFunctionData({ abi: of, functionName, args });
  const answer = await request({ method: "eth_call", params: [{ to, data }, block] });
  return decodeFunctionResult({ abi: of, functionName, data: answer });
}

async function known(work) {
  try {
    return { value: await work() };
  } catch {
    return { why: "the wallet's node does not answer" };
  }
}

/** Why something cannot be checked. */
export class Unchecked extends Error {}

export function missing(why) {
  throw new Unchecked(why);
}

/** What is known; otherwise nothing can be checked with it. */
export function said(fact) {
  if (!fact) missing("it was not asked for");
  if (fact.why) missing(fact.why);
  return fact.value;
}

/** What became of a transaction; null where the node has none. */
export function receiptOf(facts, hash) {
  return said(facts.receipts.get(hash));
}

/** The events of a name that a contract logged, with their index in the block. */
export function events(receipt, by, name) {
  const found = [];
  for (const { address, topics, data, logIndex } of receipt?.logs ?? []) {
    if (getAddress(address) !== getAddress(by)) continue;
    try {
      found.push({ ...decodeEventLog({ abi: abi[name], topics, data }).args, logIndex: Number(logIndex) });
    } catch {
      // Another event.
    }
  }
  return found;
}
