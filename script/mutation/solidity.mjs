// Mutants of the contracts: operators.mjs makes them, weave.mjs puts all of them into one copy of the contracts, which is
// compiled once, and the tests run over that copy once for each, told by PREVRANDAO which one it is about.
//
// Answers are kept under target/mutants/, so that a run that was stopped goes on where it was: a kill for as long as the
// mutant's own source is the same, a survival for as long as the tests are the same too. Other sources do not count:
// what a change in one of them means for the mutants of another, `--again` finds out. What survived the last time and has
// no explanation is judged first, what is explained last.
//
// A survivor has to be explained in test/mutants/solidity.tsv (file, function, what stood there, what stands there, why).
// Fails at a survivor that is not, and, after a whole run, at an explanation of a mutant that does not survive.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compare, explanations } from "./explained.mjs";
import { constantZeros, mutantsOf } from "./operators.mjs";
import { ROOT, analyse, sourcesOf } from "./syntax.mjs";
import { SWITCH, mutantAt, weave } from "./weave.mjs";

const HOME = join(ROOT, "target/mutants");
const COPY = join(HOME, "woven");
const LOG = join(HOME, "solidity.jsonl");
const TESTS = ["treasury", "hostile", "vectors", "accounting", "mocks", "fixtures", "Base.t.sol", "Digests.sol", "Fleet.t.sol", "Permit2Base.t.sol"]
  .map((name) => `test/${name}`);
// Code without the optimizer, and with all mutants in it, is larger than a chain takes.
const NOT_JUDGED_BY = "^test_CodeFitsOnChain\\(";
const SETTINGS = {
  FOUNDRY_PROFILE: "mutants",
  FORGE_SNAPSHOT_EMIT: "false",
  // The copy is no repository, and forge asks.
  GIT_DIR: "/nonexistent",
};
// The quick ones first.
const STEPS = [
  ["--no-match-test", `^testFuzz|${NOT_JUDGED_BY}`],
  ["--match-test", "^testFuzz"],
];
// A mutant that takes this many times as long as the tests without it hangs: killed.
const PATIENCE = 10;

const sha = (...parts) => createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 16);
const read = (path) => readFileSync(join(ROOT, path), "utf8");

function testFiles() {
  return TESTS.flatMap((name) =>
    statSync(join(ROOT, name)).isFile() ? [name] : readdirSync(join(ROOT, name)).map((file) => join(name, file)),
  ).sort();
}

function place(path, text) {
  mkdirSync(dirname(join(COPY, path)), { recursive: true });
  writeFileSync(join(COPY, path), text);
}

/** All mutants, numbered from 1, with the key that each is explained under and the id that its answer is kept under. */
function generate(sources) {
  const { trees, errors } = analyse(sources);
  if (errors.length > 0) throw new Error(errors[0].formattedMessage);
  const zeros = constantZeros(trees);
  const mutants = Object.keys(sources).flatMap((path) => mutantsOf(path, trees[path], sources[path], zeros));
  mutants.forEach((mutant, index) => {
    mutant.number = index + 1;
    mutant.key = [mutant.file, mutant.function, mutant.old, mutant.new].join("\t");
    mutant.id = sha(sources[mutant.file], mutant.start, mutant.stop, mutant.woven);
  });
  return mutants;
}

/** Runs forge in the copy. Answers its exit status and what it printed; and whether it was ended for lasting longer than `patience`. */
function forge(args, patience, more = {}) {
  return new Promise((resolve) => {
    const { FOUNDRY_OUT, FOUNDRY_CACHE_PATH, ...inherited } = process.env;
    const child = spawn("forge", args, { cwd: COPY, env: { ...inherited, ...SETTINGS, ...more }, detached: true });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (printed += data));
    let hung = false;
    const timer = patience && setTimeout(() => {
      hung = true;
      process.kill(-child.pid, "SIGKILL");
    }, patience);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, hung, printed });
    });
  });
}

/** Makes the copy with all mutants in it, and compiles it. Answers how long each step takes without any, in ms. */
async function prepare(sources, mutants) {
  for (const name of ["contracts", "test"]) rmSync(join(COPY, name), { recursive: true, force: true });
  for (const path of testFiles()) {
    // As few inputs for the tests that name how many they want.
    const text = readFileSync(join(ROOT, path), "utf8").replace(/forge-config: default\.fuzz\.runs = \d+/g, "");
    place(path, text);
  }
  for (const name of ["foundry.toml", "script/tools"]) cpSync(join(ROOT, name), join(COPY, name), { recursive: true });
  if (!existsSync(join(COPY, "node_modules"))) symlinkSync(join(ROOT, "node_modules"), join(COPY, "node_modules"));
  const woven = { [SWITCH.path]: SWITCH.text };
  for (const [path, source] of Object.entries(sources)) {
    woven[path] = weave(source, mutants.filter((mutant) => mutant.file === path));
  }
  for (const [path, text] of Object.entries(woven)) place(path, text);
  const built = await forge(["build"]);
  if (built.status !== 0) {
    for (const { sourceLocation: at, formattedMessage } of analyse(woven).errors) {
      const mutant = at && mutants[mutantAt(woven[at.file], at.start) - 1];
      console.error(`${mutant ? `${mutant.key} does not compile: ` : ""}${formattedMessage}`);
    }
    throw new Error(`the contracts do not compile with their mutants:\n${built.printed.slice(-3000)}`);
  }

  // Nothing is compiled from here on, but forge asks for the compiler's version at each start: the longest part of it.
  const { stdout } = spawn(join(COPY, "script/tools/solc"), ["--version"]);
  const version = (await stdout.toArray()).join("");
  place("solc-version", `#!/bin/sh\necho '${version.trim()}'\n`);
  chmodSync(join(COPY, "solc-version"), 0o755);
  SETTINGS.FOUNDRY_SOLC = "./solc-version";

  const lasted = [];
  for (const step of STEPS) {
    const started = Date.now();
    const ran = await forge(["test", ...step]);
    if (ran.status !== 0) throw new Error(`the tests do not pass without a mutant:\n${ran.printed.slice(-3000)}`);
    lasted.push(Date.now() - started);
  }
  return lasted;
}

// The test file whose quick tests killed a mutant of a function last is asked first about the next.
const killers = new Map();

async function judge(mutant, lasted) {
  const where = `${mutant.file} ${mutant.function.split("#")[0]}`;
  const more = { FOUNDRY_BLOCK_PREVRANDAO: `0x${mutant.number.toString(16).padStart(64, "0")}` };
  const steps = STEPS.map((step, index) => [step, lasted[index]]);
  if (killers.has(where)) steps.unshift([["--match-path", killers.get(where), ...STEPS[0]], lasted[0]]);
  for (const [step, usual] of steps) {
    const { status, hung, printed } = await forge(["test", "--fail-fast", ...step], PATIENCE * usual, more);
    if (status === 0) continue;
    const failed = printed.lastIndexOf("[FAIL");
    // Ended by somebody else, it has told nothing.
    if (!hung && failed < 0) throw new Error(`no answer about ${mutant.key}:\n${printed.slice(-2000)}`);
    const suite = [...printed.slice(0, Math.max(failed, 0)).matchAll(/^Ran \d+ tests? for (\S+?):/gm)].at(-1);
    if (suite && step !== STEPS[1]) killers.set(where, suite[1]);
    return "killed";
  }
  return "survived";
}

const { values: options, positionals: files } = parseArgs({
  options: { minutes: { type: "string" }, again: { type: "boolean", default: false } },
  allowPositionals: true,
});
mkdirSync(HOME, { recursive: true });
const began = Date.now();
const sources = Object.fromEntries(sourcesOf("contracts").map((path) => [path, read(path)]));
const tests = sha(...testFiles().flatMap((path) => [path, read(path)]));
const every = generate(sources);
const mutants = every.filter(({ file }) => files.length === 0 || files.some((name) => file.includes(name)));

const answers = new Map();
const survived = new Set();
for (const line of existsSync(LOG) && !options.again ? readFileSync(LOG, "utf8").split("\n").filter(Boolean) : []) {
  const kept = JSON.parse(line);
  if (kept.answer === "killed" || kept.tests === tests) answers.set(kept.id, kept.answer);
  else survived.add(kept.id);
}
const explained = explanations(join(ROOT, "test/mutants/solidity.tsv"));
const turn = ({ id, key }) => (explained.has(key) ? 2 : survived.has(id) ? 0 : 1);
const todo = mutants.filter((mutant) => !answers.has(mutant.id)).sort((a, b) => turn(a) - turn(b));
console.log(`${mutants.length} mutants, ${mutants.length - todo.length} judged before`);
if (todo.length > 0) {
  const lasted = await prepare(sources, every);
  for (const mutant of todo) {
    if (options.minutes && Date.now() - began > options.minutes * 60_000) break;
    const answer = await judge(mutant, lasted);
    answers.set(mutant.id, answer);
    appendFileSync(LOG, `${JSON.stringify({ id: mutant.id, tests, answer })}\n`);
    const done = mutants.filter(({ id }) => answers.has(id)).length;
    const change = `${mutant.old.slice(0, 60)}  ->  ${mutant.new.slice(0, 60)}`;
    console.log(`${done}/${mutants.length} ${answer.padEnd(8)} ${mutant.file}:${mutant.line} ${mutant.operator}  ${change}`);
  }
}

const told = (answer) => mutants.filter(({ id }) => answers.get(id) === answer);
const survivors = told("survived").map(({ key }) => key);
const left = mutants.filter(({ id }) => !answers.has(id)).length;
const fine = compare(survivors, explained, mutants.length === every.length && left === 0);
console.log(
  `${every.length} mutants in all; here ${told("killed").length} killed, ${survivors.length} survive ` +
    `(${survivors.filter((key) => explained.get(key)).length} explained), ${left} not judged`,
);
process.exit(fine ? 0 : 1);
