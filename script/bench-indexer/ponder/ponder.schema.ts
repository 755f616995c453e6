// The columns, the key and the indexes of Bursar's own table.
import { index, onchainTable, primaryKey } from "ponder";

export const settlement = onchainTable(
  "settlement",
  (t) => ({
    blockNumber: t.bigint().notNull(),
    logIndex: t.integer().notNull(),
    blockHash: t.hex().notNull(),
    txHash: t.hex().notNull(),
    timestamp: t.bigint().notNull(),
    payer: t.hex().notNull(),
    asset: t.hex().notNull(),
    payee: t.hex().notNull(),
    amount: t.bigint().notNull(),
    nonce: t.hex(),
    transferLogIndex: t.integer().notNull(),
  }),
  (table) => ({
    key: primaryKey({ columns: [table.blockNumber, table.logIndex] }),
    payer: index().on(table.payer),
    payee: index().on(table.payee),
    time: index().on(table.timestamp),
  }),
);
