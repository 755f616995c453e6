-- Who asked the API for what, and who made keys to it. Not from the chain. Rows never change.
CREATE TABLE access (
    -- In the order in which they were kept, from 1.
    seq      INTEGER PRIMARY KEY,
    -- Which request: one is kept once.
    request  TEXT NOT NULL UNIQUE,
    at       INTEGER NOT NULL,
    by       TEXT NOT NULL,
    -- What the credential lets its holder do.
    role     TEXT,
    scope    BLOB,
    -- Whose things were asked for, and in whose log it is; NULL: of no one treasury, and in no log.
    treasury BLOB,
    method   TEXT NOT NULL,
    route    TEXT NOT NULL,
    asked    TEXT NOT NULL,
    -- NULL: whoever asked was gone before there was an answer, or there was none in time.
    status   INTEGER,
    -- The subject of the entry of that log which tells of it.
    batch    BLOB
) STRICT;
-- Lists, newest first.
CREATE INDEX access_by_treasury ON access (treasury, seq);
CREATE INDEX access_by_whom ON access (by, seq);
CREATE INDEX access_by_treasury_and_whom ON access (treasury, by, seq);
-- What an entry tells of.
CREATE INDEX access_by_batch ON access (batch, seq);
