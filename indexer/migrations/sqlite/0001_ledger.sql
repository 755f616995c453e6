-- The ledger, as far as chain and decisions tell it.
--
-- Conventions: addresses, hashes and other bytes are BLOBs. Amounts are atomic units as decimal TEXT,
-- zero-padded to 29 digits (2^96 - 1 has 29), so that "larger than" is a plain comparison in an index.
-- Times are unix seconds. Rows that a block only adds name that block; rows that blocks change have their
-- state before in `journal`. So unwinding a block deletes and restores exactly what applying it did, in one
-- transaction with the checkpoint.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The canonical chain as we saw it: the tail that may still change, plus every block that holds one of our rows.
CREATE TABLE block (
    number      INTEGER PRIMARY KEY,
    hash        BLOB NOT NULL UNIQUE,
    parent_hash BLOB NOT NULL,
    timestamp   INTEGER NOT NULL
) STRICT;

-- One row: how far the ledger has followed the chain.
CREATE TABLE checkpoint (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    number    INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    timestamp INTEGER NOT NULL,
    -- The chain's head when this block was applied, and the last block that no reorg may take back.
    head         INTEGER NOT NULL,
    final_number INTEGER NOT NULL
) STRICT;

-- Every log that concerns us, as it came, in chain order: the source all other tables are projected from.
CREATE TABLE event (
    block_number INTEGER NOT NULL REFERENCES block (number) ON DELETE CASCADE,
    log_index    INTEGER NOT NULL,
    block_hash   BLOB NOT NULL,
    tx_hash      BLOB NOT NULL,
    address      BLOB NOT NULL,
    treasury     BLOB,
    envelope     INTEGER,
    kind         TEXT NOT NULL,
    -- The decoded arguments, as JSON: hex strings for bytes, decimal strings for integers.
    args         TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_envelope ON event (treasury, envelope, block_number, log_index);
CREATE INDEX event_by_kind ON event (kind, block_number, log_index);

CREATE TABLE treasury (
    address      BLOB PRIMARY KEY,
    factory      BLOB NOT NULL,
    owner        BLOB NOT NULL,
    frozen       INTEGER NOT NULL DEFAULT 0,
    delay        INTEGER NOT NULL DEFAULT 0,
    separation   INTEGER NOT NULL DEFAULT 0,
    created_block INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE role (
    treasury BLOB NOT NULL,
    account  BLOB NOT NULL,
    role     INTEGER NOT NULL,
    PRIMARY KEY (treasury, account, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE asset (
    treasury         BLOB NOT NULL,
    address          BLOB NOT NULL,
    idx              INTEGER NOT NULL,
    domain_separator BLOB NOT NULL,
    PRIMARY KEY (treasury, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE envelope (
    treasury       BLOB NOT NULL,
    number         INTEGER NOT NULL,
    agent          BLOB NOT NULL,
    asset          BLOB NOT NULL,
    frozen         INTEGER NOT NULL DEFAULT 0,
    under_review   INTEGER NOT NULL DEFAULT 0,
    policy_version INTEGER NOT NULL DEFAULT 0,
    -- The policy's: a payment above it needs a human's approval.
    approval_threshold TEXT NOT NULL,
    -- The policy version since which the same periods are counted; see limit_use.
    windows_since  INTEGER NOT NULL DEFAULT 0,
    purses         INTEGER NOT NULL DEFAULT 0,
    -- Totals over the envelope's life. escrow = funded - withdrawn - drawn + returned.
    funded         TEXT NOT NULL,
    withdrawn      TEXT NOT NULL,
    drawn          TEXT NOT NULL,
    returned       TEXT NOT NULL,
    paid           TEXT NOT NULL,
    -- Sent straight to its purses, other than by its treasury.
    donated        TEXT NOT NULL,
    payments       INTEGER NOT NULL DEFAULT 0,
    created_block  INTEGER NOT NULL,
    PRIMARY KEY (treasury, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_by_agent ON envelope (agent);

-- What each limit of an envelope has counted: the calendar windows, shortest first, then the lifetime.
-- `used` holds for the window numbered window_index; in any later window nothing is used yet
-- (bursar_sdk::windows::Window::used_at).
CREATE TABLE limit_use (
    treasury     BLOB NOT NULL,
    envelope     INTEGER NOT NULL,
    idx          INTEGER NOT NULL,
    -- Seconds; 0 is the envelope's lifetime.
    period       INTEGER NOT NULL,
    limit_amount TEXT NOT NULL,
    used         TEXT NOT NULL,
    window_index INTEGER NOT NULL,
    PRIMARY KEY (treasury, envelope, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (
    treasury     BLOB NOT NULL,
    envelope     INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    policy_hash  BLOB NOT NULL,
    -- The limits and rules as the chain has them, as JSON: paymentCap, approvalThreshold, sessionLimit,
    -- lifetimeLimit (decimal strings), maxSessionSeconds, payeeList (numbers), windows [{period, limit}].
    rules        TEXT NOT NULL,
    set_by       BLOB NOT NULL,
    block_number INTEGER NOT NULL,
    tx_hash      BLOB NOT NULL,
    timestamp    INTEGER NOT NULL,
    PRIMARY KEY (treasury, envelope, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE purse (
    address  BLOB PRIMARY KEY,
    treasury BLOB NOT NULL,
    envelope INTEGER NOT NULL,
    idx      INTEGER NOT NULL,
    -- The number of its last session, and whether that one is open.
    sequence INTEGER NOT NULL DEFAULT 0,
    open     INTEGER NOT NULL DEFAULT 0,
    -- What it holds of its envelope's asset.
    balance  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX purse_by_envelope ON purse (treasury, envelope, idx);

CREATE TABLE payee (
    treasury BLOB NOT NULL,
    list     INTEGER NOT NULL,
    payee    BLOB NOT NULL,
    PRIMARY KEY (treasury, list, payee)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    purse          BLOB NOT NULL,
    sequence       INTEGER NOT NULL,
    -- purse | zero | sequence, as payments commit to it.
    id             BLOB NOT NULL UNIQUE,
    treasury       BLOB NOT NULL,
    envelope       INTEGER NOT NULL,
    key            BLOB NOT NULL,
    budget         TEXT NOT NULL,
    opened_at      INTEGER NOT NULL,
    expiry         INTEGER NOT NULL,
    policy_version INTEGER NOT NULL,
    -- The policy's, or the scope's where that is lower.
    approval_threshold TEXT NOT NULL,
    -- What it narrows, as JSON: paymentCap, approvalThreshold (decimal strings), payeeList (a number).
    scope          TEXT NOT NULL,
    stamp_hash     BLOB NOT NULL,
    frozen         INTEGER NOT NULL DEFAULT 0,
    closed_at      INTEGER,
    returned       TEXT,
    unspent        TEXT,
    paid           TEXT NOT NULL,
    payments       INTEGER NOT NULL DEFAULT 0,
    opened_tx      BLOB NOT NULL,
    PRIMARY KEY (purse, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_envelope ON session (treasury, envelope, opened_at);

CREATE TABLE payment (
    block_number   INTEGER NOT NULL,
    -- Of the AuthorizationUsed log.
    log_index      INTEGER NOT NULL,
    block_hash     BLOB NOT NULL,
    tx_hash        BLOB NOT NULL,
    timestamp      INTEGER NOT NULL,
    treasury       BLOB NOT NULL,
    envelope       INTEGER NOT NULL,
    agent          BLOB NOT NULL,
    purse          BLOB NOT NULL,
    session        BLOB NOT NULL,
    policy_version INTEGER NOT NULL,
    asset          BLOB NOT NULL,
    payee          BLOB NOT NULL,
    -- Atomic units; zero-padded so that it sorts.
    amount         TEXT NOT NULL,
    nonce          BLOB NOT NULL,
    -- Of the Transfer log that moved the money.
    transfer_log_index INTEGER NOT NULL,
    -- From the blob in the transaction's input; NULL where the input could not be read.
    decision_hash  BLOB,
    -- Who approved; NULL where the policy asked for no approval, whatever the blob carries.
    approver       BLOB,
    -- Who sent the settling transaction.
    facilitator    BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX payment_by_nonce ON payment (purse, nonce);
CREATE INDEX payment_by_envelope ON payment (treasury, envelope, block_number, log_index);
CREATE INDEX payment_by_agent ON payment (agent, block_number, log_index);
CREATE INDEX payment_by_payee ON payment (payee, block_number, log_index);
CREATE INDEX payment_by_session ON payment (session, block_number, log_index);
CREATE INDEX payment_by_amount ON payment (amount, block_number, log_index);
CREATE INDEX payment_by_time ON payment (timestamp, block_number, log_index);

-- Freezes, releases, reviews: who stopped what, and when.
CREATE TABLE stop (
    block_number INTEGER NOT NULL,
    log_index    INTEGER NOT NULL,
    tx_hash      BLOB NOT NULL,
    timestamp    INTEGER NOT NULL,
    treasury     BLOB NOT NULL,
    envelope     INTEGER,
    session      BLOB,
    -- organisation, envelope, session or review.
    level        TEXT NOT NULL,
    -- 1: stopped; 0: released.
    stopped      INTEGER NOT NULL,
    by           BLOB NOT NULL,
    reason       BLOB,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX stop_by_envelope ON stop (treasury, envelope, block_number, log_index);

-- Decision records, as agents sent them. Not from the chain, so no reorg touches them.
CREATE TABLE decision (
    hash        BLOB PRIMARY KEY,
    treasury    BLOB NOT NULL,
    envelope    INTEGER NOT NULL,
    agent       BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    session     BLOB,
    -- The nonce a payment under this record carries: what joins it to a payment.
    nonce       BLOB,
    purse       BLOB,
    payee       BLOB NOT NULL,
    amount      TEXT NOT NULL,
    verdict     TEXT NOT NULL,
    -- The first reason code of a denial.
    reason      TEXT,
    created_at  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- The canonical JSON itself.
    record      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decision_by_nonce ON decision (purse, nonce);
CREATE INDEX decision_by_envelope ON decision (treasury, envelope, created_at, hash);
CREATE INDEX decision_by_verdict ON decision (verdict, created_at, hash);
CREATE UNIQUE INDEX decision_by_seq ON decision (treasury, envelope, agent, seq, hash);

-- What rows looked like before a block changed them, newest change last; pruned once the block is final.
CREATE TABLE journal (
    block_number INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    -- Which row: its table and key, as JSON.
    row_key      TEXT NOT NULL,
    -- The row as JSON; NULL where there was none.
    before       TEXT,
    PRIMARY KEY (block_number, seq)
) STRICT, WITHOUT ROWID;

-- Logs that concern us and do not decode: kept aside for inspection, never skipped in silence.
CREATE TABLE undecoded (
    block_number INTEGER NOT NULL,
    log_index    INTEGER NOT NULL,
    tx_hash      BLOB NOT NULL,
    address      BLOB NOT NULL,
    raw          TEXT NOT NULL,
    error        TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;
