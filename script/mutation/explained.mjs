// The committed lists of mutants that survive, and whether a run says the same.
import { existsSync, readFileSync } from "node:fs";

/** The entries of a list: what is a mutant's key (all fields but the last) => why it may survive (the last). */
export function explanations(path) {
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  const entries = lines.filter((line) => line && !line.startsWith("#")).map((line) => {
    const at = line.lastIndexOf("\t");
    return [line.slice(0, at), line.slice(at + 1)];
  });
  return new Map(entries);
}

/** Prints what survives unexplained and, after a whole run, what is explained but does not survive. True where nothing is. */
export function compare(survivors, explained, whole) {
  const unexplained = survivors.filter((key) => !explained.get(key));
  const stale = whole ? [...explained.keys()].filter((key) => !survivors.includes(key)) : [];
  for (const key of unexplained) console.error(`survives, unexplained: ${key}`);
  for (const key of stale) console.error(`explained, but does not survive: ${key}`);
  return unexplained.length + stale.length === 0;
}
