-- Answers to requests for approval that a later one was written over. Not from the chain, so no reorg touches them. With them a
-- request is told by the answer of then. What was written over before this table is not known.
CREATE TABLE approval_superseded (
    digest        BYTEA NOT NULL,
    -- From when (inclusive) until when (exclusive) it was the answer, in unix seconds.
    answered_at   BIGINT NOT NULL,
    superseded_at BIGINT NOT NULL,
    -- As in approval_request.
    answer        TEXT COLLATE "C" NOT NULL,
    answered_by   BYTEA NOT NULL,
    signature     BYTEA,
    reason        TEXT COLLATE "C",
    PRIMARY KEY (digest, answered_at)
);
