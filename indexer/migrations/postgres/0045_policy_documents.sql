-- The documents that policies are hashes of, as people read them. Not from the chain, so no reorg touches them; kept only
-- where a policy on the chain has their hash.
CREATE TABLE policy_document (
    -- keccak-256 of the canonical JSON.
    hash        BYTEA PRIMARY KEY,
    -- The canonical JSON (RFC 8785).
    document    TEXT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX policy_by_hash ON policy (policy_hash);
