-- What came of payments, as agents sent it: every revision. Not from the chain, so no reorg touches them.
CREATE TABLE outcome (
    decision_hash BYTEA NOT NULL,
    -- Counts the outcomes of that decision from 1, without a gap.
    revision      BIGINT NOT NULL,
    hash          BYTEA NOT NULL,
    -- The agent's signature: that it was the agent who said so.
    seal          BYTEA NOT NULL,
    received_at   BIGINT NOT NULL,
    -- The canonical JSON itself.
    record        TEXT NOT NULL,
    PRIMARY KEY (decision_hash, revision)
);

-- NULL: it came before seals were asked for.
ALTER TABLE decision ADD COLUMN seal BYTEA;
