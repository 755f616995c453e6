// Scores histories with the peer, unmodified: one a line on stdin, the figures on stdout.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const { AgentReputationScoring } = createRequire(import.meta.url)("@mnemopay/sdk");
const scoring = new AgentReputationScoring();

// The peer asks the clock for the time of a score; a history has its own.
const clock = { at: 0 };
Date.now = () => clock.at;

function input(history, transactions) {
  return {
    transactions,
    createdAt: new Date(history.start * 1000),
    fraudFlags: 0,
    disputeCount: 0,
    disputesLost: 0,
    warnings: 0,
    budgetCap: history.limit,
    budgetPeriodDays: 7,
  };
}

const agents = [];
let updates = 0;
let updating = 0n;
let scratch = 0n;
for await (const line of createInterface({ input: process.stdin })) {
  const history = JSON.parse(line);
  const all = history.payments.map((payment, i) => ({
    id: `${history.agent}-${i}`,
    amount: payment.amount,
    status: payment.delivered ? "completed" : "refunded",
    createdAt: new Date(payment.at * 1000),
    completedAt: new Date((payment.at + payment.latency) * 1000),
    counterpartyId: payment.payee,
    reason: "api",
  }));
  const transactions = [];
  let asked = 0;
  let result;
  for (const transaction of all) {
    transactions.push(transaction);
    clock.at = transaction.completedAt.getTime();
    const started = process.hrtime.bigint();
    result = scoring.compute(input(history, transactions));
    updating += process.hrtime.bigint() - started;
    updates += 1;
    asked += result.requiresHITL ? 1 : 0;
  }
  const started = process.hrtime.bigint();
  scoring.compute(input(history, all));
  scratch += process.hrtime.bigint() - started;
  agents.push({ agent: history.agent, score: result?.score ?? 0, asked });
}
process.stdout.write(JSON.stringify({ agents, updates, updating_ns: Number(updating), scratch_ns: Number(scratch) }));
