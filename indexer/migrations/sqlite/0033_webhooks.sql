-- Who is told of events, and how far. From people on the command line, not from the chain.
CREATE TABLE webhook (
    id            TEXT PRIMARY KEY,
    url           TEXT NOT NULL,
    -- What deliveries are signed with. As it is: signing needs it.
    secret        BLOB NOT NULL,
    -- Whether it may be on a private network.
    private       INTEGER NOT NULL,
    -- Which events; NULL: whichever. Kinds are separated by commas.
    treasury      BLOB,
    envelope      INTEGER,
    kinds         TEXT,
    -- The last event that it has got, or that was not for it.
    cursor        INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    -- Failures in a row, since when, what the last one was, and when it is tried again.
    failures      INTEGER NOT NULL,
    failing_since INTEGER,
    last_error    TEXT,
    next_at       INTEGER NOT NULL,
    -- NULL: it is told.
    disabled_at   INTEGER,
    -- Which process delivers to it, until when.
    holder        TEXT,
    held_until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
