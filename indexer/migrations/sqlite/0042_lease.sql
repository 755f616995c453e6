-- Who follows the chain into this ledger: of several indexers on one store, one works and the others wait.
CREATE TABLE lease (
    -- What is worked on.
    name   TEXT PRIMARY KEY,
    -- Drawn by each indexer when it starts.
    holder BLOB NOT NULL,
    -- Until when it is theirs unless they renew it, in unix milliseconds by this database's own clock.
    until  INTEGER NOT NULL
) STRICT;
