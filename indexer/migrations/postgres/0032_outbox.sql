-- What happened, for those who follow: written in the transaction of the change that it tells of, so that neither is
-- there without the other. Whoever writes the ledger does so alone (db/mod.rs), so a number that can be read has all
-- smaller ones before it: a reader that goes on from the last one it saw misses nothing. Rows are never changed; they
-- go from the start only, by age.
CREATE TABLE outbox (
    -- Counts from 1 without a gap: the cursor of those who follow.
    seq          BIGINT PRIMARY KEY,
    -- bursar_indexer::outbox::Kind.
    kind         TEXT COLLATE "C" NOT NULL,
    -- In unix seconds: the block's time, or when it came in.
    at           BIGINT NOT NULL,
    treasury     BYTEA,
    envelope     BIGINT,
    -- What it is about: its path in the API, below /v1/.
    subject      TEXT COLLATE "C" NOT NULL,
    -- The block that caused it, where one did. Only such an event can be taken back.
    block_number BIGINT,
    -- NULL where a record caused it that was taken in at that height.
    block_hash   BYTEA,
    tx_hash      BYTEA,
    log_index    BIGINT,
    -- The event that this one takes back.
    retracts     BIGINT,
    -- JSON, by kind; nothing of what records say.
    body         TEXT COLLATE "C" NOT NULL
);
-- With its kind: who follows some kinds does not read the rows of the others.
CREATE INDEX outbox_by_treasury ON outbox (treasury, seq, kind);
CREATE INDEX outbox_by_envelope ON outbox (treasury, envelope, seq);
CREATE INDEX outbox_by_block ON outbox (block_number, seq) WHERE block_number IS NOT NULL;
-- Nothing is taken back twice.
CREATE UNIQUE INDEX outbox_by_retracted ON outbox (retracts) WHERE retracts IS NOT NULL;

-- Requests that run out, as the chain's clock goes on.
CREATE INDEX approval_request_running_out ON approval_request (valid_before) WHERE answer IS NULL;
