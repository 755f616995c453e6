-- Who may ask the API. From people on the command line, not from the chain. A revoked key stays: records name it.
CREATE TABLE api_key (
    id         TEXT PRIMARY KEY,
    -- What people call it.
    name       TEXT NOT NULL,
    -- SHA-256 of the secret, which nobody keeps but its holder.
    hash       BLOB NOT NULL,
    role       TEXT NOT NULL,
    -- The only treasury that it is for; NULL: all.
    treasury   BLOB,
    -- The agent's identity or the approver's account that it speaks for.
    account    BLOB,
    created_at INTEGER NOT NULL,
    -- The first second at which it is no longer taken; NULL: it does not run out.
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
