// What the service answers, and what a person is told.

/** What a person is told, in words. */
export class Trouble extends Error {}

/** The JSON of an answer, or what the service says was wrong. */
export async function answerOf(response) {
  const json = await response.json().catch(() => ({}));
  if (response.ok) return json;
  const got = json.got ? ` (expected ${json.expected}, got ${json.got})` : "";
  throw new Trouble(`Not taken: ${json.message ?? `the service answered ${response.status}`}${got}.`);
}

/** Hands in JSON; the answer's. */
export async function post(path, body) {
  const headers = { "content-type": "application/json" };
  return answerOf(await fetch(path, { method: "POST", headers, body }));
}
