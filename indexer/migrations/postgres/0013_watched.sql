-- Whom an organisation looks at besides its own. Not from the chain: no reorg touches it.
CREATE TABLE watched (
    -- payer: pays outside any envelope; token: in which; facilitator: its settlements are named by its label.
    kind       TEXT COLLATE "C" NOT NULL,
    address    BYTEA NOT NULL,
    -- What people call it; NULL where nobody has said.
    label      TEXT COLLATE "C",
    -- The first block that is looked at. What came before it, the ledger does not hold.
    from_block BIGINT NOT NULL,
    PRIMARY KEY (kind, address)
);

-- x402 settlements outside any envelope, of watched payers in watched tokens.
CREATE TABLE settlement (
    block_number   BIGINT NOT NULL,
    -- Of the AuthorizationUsed log; of the Transfer log where Permit2 moved the money.
    log_index      BIGINT NOT NULL,
    block_hash     BYTEA NOT NULL,
    tx_hash        BYTEA NOT NULL,
    timestamp      BIGINT NOT NULL,
    payer          BYTEA NOT NULL,
    asset          BYTEA NOT NULL,
    payee          BYTEA NOT NULL,
    amount         TEXT COLLATE "C" NOT NULL,
    -- Permit2 logs none.
    nonce          BYTEA,
    transfer_log_index BIGINT NOT NULL,
    -- eip3009, permit2_exact or permit2_upto.
    rail           TEXT COLLATE "C" NOT NULL,
    -- Who sent the transaction; NULL where no facilitator is watched, since asking costs a question a block.
    facilitator    BYTEA,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX settlement_by_payer ON settlement (payer, block_number, log_index);
CREATE INDEX settlement_by_payee ON settlement (payee, block_number, log_index);
CREATE INDEX settlement_by_time ON settlement (timestamp, block_number);
