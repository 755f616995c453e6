-- The transparency log of each treasury: what the ledger took in from outside the chain, in the order in which it came, as
-- the leaves of a Merkle tree (RFC 6962). Written in the transaction that takes a record in; rows are never changed and
-- never go, whatever becomes of the record and of the chain. What came before this table is logged when a store is first
-- opened with it.
CREATE TABLE log_entry (
    treasury BYTEA NOT NULL,
    -- Counts from 0 without a gap.
    number   BIGINT NOT NULL,
    -- bursar_sdk::transparency::LogKind.
    kind     TEXT NOT NULL,
    -- keccak-256 of a record, or the digest of a payment that waits for a human.
    subject  BYTEA NOT NULL,
    -- When it came, in unix seconds.
    at       BIGINT NOT NULL,
    -- bursar_sdk::transparency::Entry, as canonical JSON: the leaf.
    entry    TEXT NOT NULL,
    PRIMARY KEY (treasury, number)
);
CREATE INDEX log_entry_by_subject ON log_entry (subject, number);

-- Hashes of leaves and of whole subtrees, each at a position that never changes: about two for each entry, so that any
-- root and any proof takes a few rows.
CREATE TABLE log_node (
    treasury BYTEA NOT NULL,
    position BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    PRIMARY KEY (treasury, position)
);
