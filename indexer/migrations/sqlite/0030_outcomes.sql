-- What came of payments, as agents sent it: every revision. Not from the chain, so no reorg touches them.
CREATE TABLE outcome (
    decision_hash BLOB NOT NULL,
    -- Counts the outcomes of that decision from 1, without a gap.
    revision      INTEGER NOT NULL,
    hash          BLOB NOT NULL,
    -- The agent's signature: that it was the agent who said so.
    seal          BLOB NOT NULL,
    received_at   INTEGER NOT NULL,
    -- The canonical JSON itself.
    record        TEXT NOT NULL,
    PRIMARY KEY (decision_hash, revision)
) STRICT, WITHOUT ROWID;

-- NULL: it came before seals were asked for.
ALTER TABLE decision ADD COLUMN seal BLOB;
