// One row for each authorization and the transfer behind it, and for each transfer that an x402 proxy had Permit2 make.
// What waits for its other half is in memory: a restart in between would lose it, which is to this index's advantage.
import { ponder, type Context, type Event } from "ponder:registry";
import { settlement } from "ponder:schema";
import type { Hex } from "viem";

type Transfer = Event<"Token:Transfer">;

const used = new Map<string, { logIndex: number; nonce: Hex }>();
let last: Transfer | undefined;

const keep = (context: Context, event: Transfer, logIndex: number, nonce: Hex | null) =>
  context.db.insert(settlement).values({
    blockNumber: event.block.number,
    logIndex,
    blockHash: event.block.hash,
    txHash: event.transaction.hash,
    timestamp: event.block.timestamp,
    payer: event.args.from,
    asset: event.log.address,
    payee: event.args.to,
    amount: event.args.value,
    nonce,
    transferLogIndex: event.log.logIndex,
  });

ponder.on("Token:AuthorizationUsed", async ({ event }) => {
  const { authorizer, nonce } = event.args;
  used.set(event.transaction.hash + authorizer, { logIndex: event.log.logIndex, nonce });
});

ponder.on("Token:Transfer", async ({ event, context }) => {
  last = event;
  const key = event.transaction.hash + event.args.from;
  const authorization = used.get(key);
  if (authorization === undefined) return;
  used.delete(key);
  await keep(context, event, authorization.logIndex, authorization.nonce);
});

ponder.on("Proxy:Settled", async ({ event, context }) => {
  const isNext = last?.block.number === event.block.number && last.log.logIndex + 1 === event.log.logIndex;
  if (last !== undefined && isNext) await keep(context, last, last.log.logIndex, null);
});
