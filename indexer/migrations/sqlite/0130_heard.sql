-- Payments heard at the head while the ledger is far behind it. They go as the ledger reaches their blocks, in the transaction
-- that moves its checkpoint; nothing that the ledger tells rests on them. Whoever reads leaves out what stands at or below the
-- checkpoint, since a row may come after the ledger has.
CREATE TABLE heard (
    block_number INTEGER NOT NULL,
    -- Of the AuthorizationUsed log; of the Transfer log where Permit2 moved the money.
    log_index    INTEGER NOT NULL,
    block_hash   BLOB NOT NULL,
    tx_hash      BLOB NOT NULL,
    timestamp    INTEGER NOT NULL,
    payer        BLOB NOT NULL,
    -- Whether the payer was heard as a purse. Whose, the ledger's own row of it tells.
    purse        INTEGER NOT NULL,
    asset        BLOB NOT NULL,
    payee        BLOB NOT NULL,
    amount       TEXT NOT NULL,
    -- Permit2 logs none.
    nonce        BLOB,
    -- eip3009, permit2_exact or permit2_upto.
    rail         TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX heard_by_payer ON heard (payer, block_number, log_index);
