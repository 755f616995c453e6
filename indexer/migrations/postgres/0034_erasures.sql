-- Records that were erased because the treasury said so: what proves that there was one, and nothing of what it said.
-- The row of the record itself is gone. Not from the chain, so no reorg touches them.
CREATE TABLE erasure (
    -- Of the record: what is on chain, and what the records after it name.
    hash          BYTEA PRIMARY KEY,
    -- decision or outcome.
    kind          TEXT COLLATE "C" NOT NULL,
    treasury      BYTEA NOT NULL,
    envelope      BIGINT NOT NULL,
    agent         BYTEA NOT NULL,
    purse         BYTEA NOT NULL,
    -- What joins it to a payment; NULL where no session was open.
    nonce         BYTEA,
    -- A decision's place in its purse's chain.
    seq           BIGINT,
    prev_hash     BYTEA,
    verdict       TEXT COLLATE "C",
    -- An outcome's place among those of its decision.
    decision_hash BYTEA,
    revision      BIGINT,
    created_at    BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    erased_at     BIGINT NOT NULL,
    -- Who said so, and why, by a code.
    erased_by     BYTEA NOT NULL,
    category      TEXT COLLATE "C" NOT NULL,
    -- Over hash and category (EIP-712 RecordErasure); whether a contract was asked for it.
    signature     BYTEA NOT NULL,
    contract      BOOLEAN NOT NULL
);
CREATE INDEX erasure_by_nonce ON erasure (purse, nonce);
CREATE INDEX erasure_by_outcome ON erasure (decision_hash, revision);
CREATE INDEX erasure_by_treasury ON erasure (treasury, erased_at, hash);

-- Outcomes are erased by their hash.
CREATE INDEX outcome_by_hash ON outcome (hash);
