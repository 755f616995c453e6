-- Records are long rows, and SQLite keeps a table without row ids in the order of its key, whole rows on the way down: four
-- fit a page, and to compare a key of a row that does not, it reads the rest of that row first. With row ids, what is
-- searched are keys alone, and records are added at the end.
CREATE TABLE decision_rows (
    hash        BLOB NOT NULL PRIMARY KEY,
    treasury    BLOB NOT NULL,
    envelope    INTEGER NOT NULL,
    agent       BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    session     BLOB,
    -- The nonce a payment under this record carries: what joins it to a payment.
    nonce       BLOB,
    purse       BLOB,
    payee       BLOB NOT NULL,
    amount      TEXT NOT NULL,
    verdict     TEXT NOT NULL,
    -- The first reason code of a denial.
    reason      TEXT,
    created_at  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- The canonical JSON itself.
    record      TEXT NOT NULL,
    -- NULL: it came before seals were asked for.
    seal        BLOB
) STRICT;
INSERT INTO decision_rows SELECT hash, treasury, envelope, agent, seq, session, nonce, purse, payee, amount, verdict, reason,
                                 created_at, received_at, record, seal FROM decision;
DROP TABLE decision;
ALTER TABLE decision_rows RENAME TO decision;

CREATE INDEX decision_by_nonce ON decision (purse, nonce);
CREATE UNIQUE INDEX decision_by_seq ON decision (treasury, envelope, agent, seq, hash);
CREATE INDEX decision_by_treasury ON decision (treasury, created_at, hash);
CREATE INDEX decision_by_envelope ON decision (treasury, envelope, created_at, hash);
CREATE INDEX decision_by_agent ON decision (agent, created_at, hash);
CREATE INDEX decision_by_payee ON decision (payee, created_at, hash);
CREATE INDEX decision_by_session ON decision (session, created_at, hash);
CREATE INDEX decision_by_time ON decision (created_at, hash, envelope, purse, nonce);
CREATE INDEX decision_denied ON decision (created_at, hash, envelope, amount, verdict) WHERE verdict = 'denied';
CREATE INDEX decision_denied_by_treasury ON decision (treasury, created_at, hash) WHERE verdict = 'denied';
CREATE INDEX decision_denied_by_envelope ON decision (treasury, envelope, created_at, hash) WHERE verdict = 'denied';
CREATE INDEX decision_denied_by_agent ON decision (agent, created_at, hash) WHERE verdict = 'denied';

CREATE TABLE outcome_rows (
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
) STRICT;
INSERT INTO outcome_rows SELECT decision_hash, revision, hash, seal, received_at, record FROM outcome;
DROP TABLE outcome;
ALTER TABLE outcome_rows RENAME TO outcome;
CREATE INDEX outcome_by_hash ON outcome (hash);
