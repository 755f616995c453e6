-- Whom an organisation looks at besides its own. Not from the chain: no reorg touches it.
CREATE TABLE watched (
    -- payer: pays outside any envelope; token: in which; facilitator: its settlements are named by its label.
    kind       TEXT NOT NULL,
    address    BLOB NOT NULL,
    -- What people call it; NULL where nobody has said.
    label      TEXT,
    -- The first block that is looked at. What came before it, the ledger does not hold.
    from_block INTEGER NOT NULL,
    PRIMARY KEY (kind, address)
) STRICT, WITHOUT ROWID;

-- x402 settlements outside any envelope, of watched payers in watched tokens.
CREATE TABLE settlement (
    block_number   INTEGER NOT NULL,
    -- Of the AuthorizationUsed log; of the Transfer log where Permit2 moved the money.
    log_index      INTEGER NOT NULL,
    block_hash     BLOB NOT NULL,
    tx_hash        BLOB NOT NULL,
    timestamp      INTEGER NOT NULL,
    payer          BLOB NOT NULL,
    asset          BLOB NOT NULL,
    payee          BLOB NOT NULL,
    amount         TEXT NOT NULL,
    -- Permit2 logs none.
    nonce          BLOB,
    transfer_log_index INTEGER NOT NULL,
    -- eip3009, permit2_exact or permit2_upto.
    rail           TEXT NOT NULL,
    -- Who sent the transaction; NULL where no facilitator is watched, since asking costs a question a block.
    facilitator    BLOB,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX settlement_by_payer ON settlement (payer, block_number, log_index);
CREATE INDEX settlement_by_payee ON settlement (payee, block_number, log_index);
CREATE INDEX settlement_by_time ON settlement (timestamp, block_number);
