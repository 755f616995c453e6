-- Payments above an approval threshold that wait for a human. From agents and approvers, not from the
-- chain, so no reorg touches them. Expiry is a matter of time and not stored.

CREATE TABLE approval_request (
    -- What the session key signs, and what the approval names.
    digest        BLOB PRIMARY KEY,
    treasury      BLOB NOT NULL,
    purse         BLOB NOT NULL,
    payee         BLOB NOT NULL,
    amount        TEXT NOT NULL,
    valid_after   INTEGER NOT NULL,
    valid_before  INTEGER NOT NULL,
    nonce         BLOB NOT NULL,
    decision_hash BLOB NOT NULL,
    requested_at  INTEGER NOT NULL,
    -- NULL: nobody answered.
    answer        TEXT CHECK (answer IN ('eoa', 'contract', 'rejected')),
    answered_by   BLOB,
    answered_at   INTEGER,
    -- Where approved.
    signature     BLOB,
    -- Where rejected.
    reason        TEXT,
    CHECK ((answer IS NULL) = (answered_by IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX approval_request_by_time ON approval_request (requested_at, digest);
CREATE INDEX approval_request_by_treasury ON approval_request (treasury, requested_at, digest);
-- The inbox: what nobody answered yet.
CREATE INDEX approval_request_open ON approval_request (requested_at, digest) WHERE answer IS NULL;
