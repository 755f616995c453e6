// A policy's document while it is changed: read from the ledger, kept in this browser while it waits, handed in once it is
// in force.
import { Trouble, answerOf, post } from "./service.js";

const draft = ({ treasury, envelope }) => `policy ${treasury} ${envelope}`;

/** What was typed, as the document it is. */
export function documentOf(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Trouble(`The policy is no JSON: ${error.message}`);
  }
}

/** The document that waits for its time, or else the one in force, to be changed. */
export async function draftOf(of, chainId) {
  const kept = localStorage.getItem(draft(of));
  if (kept) return kept;
  const { treasury, envelope, version } = of;
  const { document, rules } = await answerOf(await fetch(`/v1/policies/${treasury}/${envelope}/${version}`));
  const made = { schema: "bursar.policy/1", name: "", purpose: "", chainId, asset: of.asset, ...rules };
  return JSON.stringify(document ?? made, null, 2);
}

/** Keeps an announced document: the same has to be sent again when its time has come. */
export function keep(of) {
  localStorage.setItem(draft(of), of.document);
}

/** Hands in the document that is in force now, so that everybody can read it. */
export async function settle(of) {
  localStorage.removeItem(draft(of));
  await post("/v1/policy-documents", of.document);
}
