// Mutants of the rules in Rust: cargo-mutants makes them in the files of the SDK that say the rules once more; the SDK's
// own tests, its vectors and the bytecode beside its model are to kill them. Whatever survives has to be explained in test/mutants/rust.tsv (mutant, why).
// Fails at a survivor that is not, and, after a whole run, at an explanation of a mutant that does not survive.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { compare, explanations } from "./explained.mjs";

const FILES = ["windows", "policy", "payment", "session", "amount", "role", "refusal"].map((name) => `sdk/src/${name}.rs`);
const out = "target/mutants/rust";
const missed = `${out}/mutants.out/missed.txt`;
mkdirSync(out, { recursive: true });
const more = process.argv.slice(2);

// Without a chain first, in seconds a mutant; what survives that meets the sessions that a real chain opens.
const QUICK = ["--lib", "--test=vectors", "--test=model"];
judge(QUICK, []);
if (survive().length > 0) judge([...QUICK, "--test=it"], ["sessions"]);

/** Only those binaries are built, and what is killed is not judged again. */
function judge(binaries, filter) {
  const run = spawnSync(
    "cargo",
    [
      "mutants", "--output", out, "--in-place", "--baseline", "skip", "--timeout", "300", "--no-shuffle", "--colors", "never",
      ...binaries.flatMap((arg) => ["--cargo-arg", arg]),
      ...filter.flatMap((arg) => ["--cargo-test-arg", arg]),
      ...(existsSync(`${out}/mutants.out/outcomes.json`) ? ["--iterate"] : []),
      ...FILES.flatMap((file) => ["--file", file]),
      ...more,
    ],
    { stdio: "inherit" },
  );
  // 2: some survive, 3: some ran out of time (which is a kill); anything else is no answer.
  if (![0, 2, 3].includes(run.status)) process.exit(run.status ?? 1);
}

/** A mutant is known by its file and what it changes, not by its line: code moves. */
function survive() {
  const told = existsSync(missed) ? readFileSync(missed, "utf8") : "";
  return told.split("\n").filter(Boolean).map((mutant) => mutant.replace(/:\d+:\d+:/, ":"));
}

const survivors = survive();
const explained = explanations("test/mutants/rust.tsv");
const fine = compare(survivors, explained, more.length === 0);
console.log(`${survivors.length} mutants survive, ${survivors.filter((mutant) => explained.get(mutant)).length} of them explained`);
process.exit(fine ? 0 : 1);
