-- Who is told of events, and how far. From people on the command line, not from the chain.
CREATE TABLE webhook (
    id            TEXT COLLATE "C" PRIMARY KEY,
    url           TEXT COLLATE "C" NOT NULL,
    -- What deliveries are signed with. As it is: signing needs it.
    secret        BYTEA NOT NULL,
    -- Whether it may be on a private network.
    private       BOOLEAN NOT NULL,
    -- Which events; NULL: whichever. Kinds are separated by commas.
    treasury      BYTEA,
    envelope      BIGINT,
    kinds         TEXT COLLATE "C",
    -- The last event that it has got, or that was not for it.
    cursor        BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    -- Failures in a row, since when, what the last one was, and when it is tried again.
    failures      BIGINT NOT NULL,
    failing_since BIGINT,
    last_error    TEXT COLLATE "C",
    next_at       BIGINT NOT NULL,
    -- NULL: it is told.
    disabled_at   BIGINT,
    -- Which process delivers to it, until when.
    holder        TEXT COLLATE "C",
    held_until    BIGINT NOT NULL
);
