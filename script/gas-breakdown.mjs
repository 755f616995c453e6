#!/usr/bin/env node
// Where a payment's gas goes: steps through the transactions that `make gas` measures, as forge dumps them, and
// sums what every kind of work costs. Prints a table in Markdown, and writes target/reports/gas-breakdown.json.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const PAYMENTS = [
  ["plain EOA", "test_eoaPayment"],
  ["payment", "test_payment"],
  ["with approval", "test_paymentWithApproval"],
];
// The `bytes` and the v,r,s overload of transferWithAuthorization.
const SELECTORS = ["0xcf092995", "0xe3ee160e"];
const BASE = 21_000;
const COLD_ACCOUNT = 2_600;
const WARM = 100;
const ECRECOVER = 3_000;
const OP = { KECCAK256: 0x20, SLOAD: 0x54, SSTORE: 0x55, LOG0: 0xa0, LOG4: 0xa4 };
const CALLS = new Set([0xf1, 0xfa, 0xf4]);
const ACCOUNT_READS = new Set([0x31, 0x3b, 0x3c, 0x3f]);

const ROWS = [
  "transaction",
  "call data",
  "accounts, cold",
  "storage read, cold",
  "storage written",
  "signatures recovered",
  "logs",
  "hashes",
  "all else in the token",
  "all else in the purse",
  "all else in the treasury",
];

function stepsOf(test) {
  const dump = join(ROOT, "target", `gas-${test}.json`);
  const pattern = `^${test}\\(`;
  execFileSync(
    "forge",
    ["test", "--isolate", "--match-path", "test/gas/*", "--match-test", pattern, "--debug", "--dump", dump],
    { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, FORGE_SNAPSHOT_EMIT: "false" } },
  );
  const frames = JSON.parse(readFileSync(dump, "utf8")).debug_arena;
  rmSync(dump);
  return frames;
}

function breakdown(test) {
  const frames = stepsOf(test);
  const first = frames.findIndex(frame => SELECTORS.includes(frame.calldata.slice(0, 10)));
  if (first < 0) throw new Error(`expected a transferWithAuthorization in ${test}, found none`);
  const token = frames[first].address;
  const sum = Object.fromEntries(ROWS.map(row => [row, 0]));
  const bytes = Buffer.from(frames[first].calldata.slice(2), "hex");
  sum.transaction = BASE;
  sum["call data"] = bytes.reduce((total, byte) => total + (byte === 0 ? 4 : 16), 0);
  const seen = new Set([token.toLowerCase()]);
  const purse = frames[first + 1]?.address;

  // The transaction's frames follow one another; the token's last one, which returns, ends it.
  let last = first;
  frames.forEach((frame, i) => {
    if (i > first && frame.address === token) last = i;
  });
  for (const frame of frames.slice(first, last + 1)) {
    const owner = frame.address === token ? "token" : frame.address === purse ? "purse" : "treasury";
    for (const step of frame.steps) charge(step, owner);
  }
  return sum;

  function charge(step, owner) {
    const rest = `all else in the ${owner}`;
    if (CALLS.has(step.op) || ACCOUNT_READS.has(step.op)) {
      const at = step.stack[step.stack.length - (CALLS.has(step.op) ? 2 : 1)];
      const address = `0x${BigInt(at).toString(16).padStart(40, "0")}`;
      if (BigInt(at) === 1n) sum["signatures recovered"] += ECRECOVER + WARM;
      else if (seen.has(address)) sum[rest] += WARM;
      else sum["accounts, cold"] += COLD_ACCOUNT;
      if (BigInt(at) !== 1n) seen.add(address);
    } else if (step.op === OP.SLOAD && step.gas_cost > WARM) sum["storage read, cold"] += step.gas_cost;
    else if (step.op === OP.SSTORE) sum["storage written"] += step.gas_cost;
    else if (step.op >= OP.LOG0 && step.op <= OP.LOG4) sum.logs += step.gas_cost;
    else if (step.op === OP.KECCAK256) sum.hashes += step.gas_cost;
    else sum[rest] += step.gas_cost;
  }
}

const columns = PAYMENTS.map(([name, test]) => ({ name, sum: breakdown(test) }));
const figure = value => value.toLocaleString("en").padStart(8);
console.log(`| gas | ${columns.map(({ name }) => name).join(" | ")} |`);
console.log(`| --- | ${columns.map(() => "---:").join(" | ")} |`);
for (const row of ROWS) console.log(`| ${row} | ${columns.map(({ sum }) => figure(sum[row])).join(" | ")} |`);
const totals = columns.map(({ sum }) => Object.values(sum).reduce((a, b) => a + b, 0));
console.log(`| in all | ${totals.map(figure).join(" | ")} |`);
mkdirSync(join(ROOT, "target/reports"), { recursive: true });
const report = Object.fromEntries(columns.map(({ name, sum }, i) => [name, { ...sum, total: totals[i] }]));
writeFileSync(join(ROOT, "target/reports/gas-breakdown.json"), `${JSON.stringify(report, null, 2)}\n`);
