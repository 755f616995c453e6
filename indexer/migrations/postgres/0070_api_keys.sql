-- Who may ask the API. From people on the command line, not from the chain. A revoked key stays: records name it.
CREATE TABLE api_key (
    id         TEXT COLLATE "C" PRIMARY KEY,
    -- What people call it.
    name       TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of the secret, which nobody keeps but its holder.
    hash       BYTEA NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    -- The only treasury that it is for; NULL: all.
    treasury   BYTEA,
    -- The agent's identity or the approver's account that it speaks for.
    account    BYTEA,
    created_at BIGINT NOT NULL,
    -- The first second at which it is no longer taken; NULL: it does not run out.
    expires_at BIGINT,
    revoked_at BIGINT
);
