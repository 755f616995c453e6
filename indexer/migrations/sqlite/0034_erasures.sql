-- Records that were erased because the treasury said so: what proves that there was one, and nothing of what it said.
-- The row of the record itself is gone. Not from the chain, so no reorg touches them.
CREATE TABLE erasure (
    -- Of the record: what is on chain, and what the records after it name.
    hash          BLOB PRIMARY KEY,
    -- decision or outcome.
    kind          TEXT NOT NULL,
    treasury      BLOB NOT NULL,
    envelope      INTEGER NOT NULL,
    agent         BLOB NOT NULL,
    purse         BLOB NOT NULL,
    -- What joins it to a payment; NULL where no session was open.
    nonce         BLOB,
    -- A decision's place in its purse's chain.
    seq           INTEGER,
    prev_hash     BLOB,
    verdict       TEXT,
    -- An outcome's place among those of its decision.
    decision_hash BLOB,
    revision      INTEGER,
    created_at    INTEGER NOT NULL,
    received_at   INTEGER NOT NULL,
    erased_at     INTEGER NOT NULL,
    -- Who said so, and why, by a code.
    erased_by     BLOB NOT NULL,
    category      TEXT NOT NULL,
    -- Over hash and category (EIP-712 RecordErasure); whether a contract was asked for it.
    signature     BLOB NOT NULL,
    contract      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX erasure_by_nonce ON erasure (purse, nonce);
CREATE INDEX erasure_by_outcome ON erasure (decision_hash, revision);
CREATE INDEX erasure_by_treasury ON erasure (treasury, erased_at, hash);

-- Outcomes are erased by their hash.
CREATE INDEX outcome_by_hash ON outcome (hash);
