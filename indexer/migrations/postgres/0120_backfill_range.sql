-- Ranges of a backfill that the indexer that follows the chain has offered to those that stand by: who claims one fetches what the
-- chain holds there, and leaves it here. A cache beside the ledger: whatever is missing, the one that follows asks the chain
-- itself. So it is not logged, and empty after a crash or on a replica that has been made the primary. SQLite has no such
-- table: one machine has nobody to divide the work with.
CREATE UNLOGGED TABLE backfill_range (
    -- Its first and its last block.
    from_block BIGINT PRIMARY KEY,
    to_block   BIGINT NOT NULL,
    -- Of the watch list that its blocks are asked for by.
    revision   BIGINT NOT NULL,
    -- Who is at it, or has fetched it, drawn by each indexer when it stands by; NULL while nobody is.
    holder     BYTEA,
    -- Until when that is theirs unless they renew it, in unix milliseconds by this database's own clock; NULL while nobody is at it.
    until      BIGINT,
    -- What the chain holds there (indexer/src/run/share/body.rs); NULL until it is there.
    body       BYTEA
) WITH (
    -- A few rows that are changed again and again and then deleted: there is room beside each, and what is dead goes soon.
    fillfactor = 50,
    autovacuum_vacuum_threshold = 100,
    autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 10000,
    toast.autovacuum_vacuum_scale_factor = 0
);
-- Hashes and addresses hardly compress, and a body is read once.
ALTER TABLE backfill_range ALTER COLUMN body SET STORAGE EXTERNAL;
