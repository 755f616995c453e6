-- Answers to requests for approval that a later one was written over. Not from the chain, so no reorg touches them. With them a
-- request is told by the answer of then. What was written over before this table is not known.
CREATE TABLE approval_superseded (
    digest        BLOB NOT NULL,
    -- From when (inclusive) until when (exclusive) it was the answer, in unix seconds.
    answered_at   INTEGER NOT NULL,
    superseded_at INTEGER NOT NULL,
    -- As in approval_request.
    answer        TEXT NOT NULL,
    answered_by   BLOB NOT NULL,
    signature     BLOB,
    reason        TEXT,
    PRIMARY KEY (digest, answered_at)
) STRICT, WITHOUT ROWID;
