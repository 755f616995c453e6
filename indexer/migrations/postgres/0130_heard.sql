-- Payments heard at the head while the ledger is far behind it. They go as the ledger reaches their blocks, in the transaction
-- that moves its checkpoint; nothing that the ledger tells rests on them. Whoever reads leaves out what stands at or below the
-- checkpoint, since a row may come after the ledger has.
CREATE TABLE heard (
    block_number BIGINT NOT NULL,
    -- Of the AuthorizationUsed log; of the Transfer log where Permit2 moved the money.
    log_index    BIGINT NOT NULL,
    block_hash   BYTEA NOT NULL,
    tx_hash      BYTEA NOT NULL,
    timestamp    BIGINT NOT NULL,
    payer        BYTEA NOT NULL,
    -- Whether the payer was heard as a purse. Whose, the ledger's own row of it tells.
    purse        BOOLEAN NOT NULL,
    asset        BYTEA NOT NULL,
    payee        BYTEA NOT NULL,
    amount       TEXT COLLATE "C" NOT NULL,
    -- Permit2 logs none.
    nonce        BYTEA,
    -- eip3009, permit2_exact or permit2_upto.
    rail         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX heard_by_payer ON heard (payer, block_number, log_index);
