-- Who asked the API for what, and who made keys to it. Not from the chain. Rows never change.
CREATE TABLE access (
    -- In the order in which they were kept, from 1.
    seq      BIGINT PRIMARY KEY,
    -- Which request: one is kept once.
    request  TEXT COLLATE "C" NOT NULL UNIQUE,
    at       BIGINT NOT NULL,
    by       TEXT COLLATE "C" NOT NULL,
    -- What the credential lets its holder do.
    role     TEXT COLLATE "C",
    scope    BYTEA,
    -- Whose things were asked for, and in whose log it is; NULL: of no one treasury, and in no log.
    treasury BYTEA,
    method   TEXT COLLATE "C" NOT NULL,
    route    TEXT COLLATE "C" NOT NULL,
    asked    TEXT COLLATE "C" NOT NULL,
    -- NULL: whoever asked was gone before there was an answer, or there was none in time.
    status   BIGINT,
    -- The subject of the entry of that log which tells of it.
    batch    BYTEA
);
-- Lists, newest first.
CREATE INDEX access_by_treasury ON access (treasury, seq);
CREATE INDEX access_by_whom ON access (by, seq);
CREATE INDEX access_by_treasury_and_whom ON access (treasury, by, seq);
-- What an entry tells of.
CREATE INDEX access_by_batch ON access (batch, seq);
