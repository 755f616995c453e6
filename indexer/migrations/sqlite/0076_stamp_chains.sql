-- The stamps that sessions were opened under, with the stamps they are delegated from, as agents hand them in. Not from the
-- chain, so no reorg touches them; kept only where a session on the chain has their hash.
CREATE TABLE stamp_chain (
    -- The leaf's hash, as `SessionOpened` names it.
    hash        BLOB PRIMARY KEY,
    treasury    BLOB NOT NULL,
    -- Whose identity the leaf is.
    subject     BLOB NOT NULL,
    -- As it travels (docs/STAMPS.md), without a session.
    bundle      BLOB NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
