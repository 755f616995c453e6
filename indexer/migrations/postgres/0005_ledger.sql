-- The ledger, as far as chain and decisions tell it. PostgreSQL begins here: with all that SQLite's migrations up to
-- this number come to. From here on, a number means the same change in both.
--
-- Conventions: addresses, hashes and other bytes are BYTEA. Amounts are atomic units as decimal TEXT, zero-padded to
-- 29 digits (2^96 - 1 has 29), so that "larger than" is a plain comparison in an index; text is compared byte by byte
-- ("C"), as SQLite does, whatever the database's own collation. Times are unix seconds. Rows that a block only adds
-- name that block; rows that blocks change have their state before in `journal`. So unwinding a block deletes and
-- restores exactly what applying it did, in one transaction with the checkpoint.

CREATE TABLE meta (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

-- The canonical chain as we saw it: the tail that may still change, plus every block that holds one of our rows.
CREATE TABLE block (
    number      BIGINT PRIMARY KEY,
    hash        BYTEA NOT NULL UNIQUE,
    parent_hash BYTEA NOT NULL,
    timestamp   BIGINT NOT NULL
);

-- One row: how far the ledger has followed the chain. Who writes the ledger locks this table first.
CREATE TABLE checkpoint (
    id        BIGINT PRIMARY KEY CHECK (id = 1),
    number    BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    timestamp BIGINT NOT NULL,
    -- The chain's head when this block was applied, and the last block that no reorg may take back.
    head         BIGINT NOT NULL,
    final_number BIGINT NOT NULL
);

-- Every log that concerns us, as it came, in chain order: the source all other tables are projected from. It does not
-- refer to its block by a foreign key: both are written and deleted in one transaction, and the check would be paid
-- for with every row.
CREATE TABLE event (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    block_hash   BYTEA NOT NULL,
    tx_hash      BYTEA NOT NULL,
    address      BYTEA NOT NULL,
    treasury     BYTEA,
    envelope     BIGINT,
    kind         TEXT COLLATE "C" NOT NULL,
    -- The decoded arguments, as JSON: hex strings for bytes, decimal strings for integers.
    args         TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX event_by_envelope ON event (treasury, envelope, block_number, log_index);
CREATE INDEX event_by_kind ON event (kind, block_number, log_index);

CREATE TABLE treasury (
    address       BYTEA PRIMARY KEY,
    factory       BYTEA NOT NULL,
    owner         BYTEA NOT NULL,
    frozen        BOOLEAN NOT NULL DEFAULT FALSE,
    delay         BIGINT NOT NULL DEFAULT 0,
    separation    BOOLEAN NOT NULL DEFAULT FALSE,
    created_block BIGINT NOT NULL,
    -- How often the organisation was released: part of what payment nonces commit to. Stamps of an earlier epoch
    -- than stamp_epoch are revoked.
    epoch         BIGINT NOT NULL DEFAULT 0,
    stamp_epoch   BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE role (
    treasury BYTEA NOT NULL,
    account  BYTEA NOT NULL,
    role     BIGINT NOT NULL,
    PRIMARY KEY (treasury, account, role)
);

CREATE TABLE asset (
    treasury         BYTEA NOT NULL,
    address          BYTEA NOT NULL,
    idx              BIGINT NOT NULL,
    domain_separator BYTEA NOT NULL,
    PRIMARY KEY (treasury, address)
);

CREATE TABLE envelope (
    treasury       BYTEA NOT NULL,
    number         BIGINT NOT NULL,
    agent          BYTEA NOT NULL,
    asset          BYTEA NOT NULL,
    frozen         BOOLEAN NOT NULL DEFAULT FALSE,
    under_review   BOOLEAN NOT NULL DEFAULT FALSE,
    policy_version BIGINT NOT NULL DEFAULT 0,
    -- The policy's: a payment above it needs a human's approval.
    approval_threshold TEXT COLLATE "C" NOT NULL,
    -- The policy version since which the same periods are counted; see limit_use.
    windows_since  BIGINT NOT NULL DEFAULT 0,
    purses         BIGINT NOT NULL DEFAULT 0,
    -- Totals over the envelope's life. escrow = funded - withdrawn - drawn + returned.
    funded         TEXT COLLATE "C" NOT NULL,
    withdrawn      TEXT COLLATE "C" NOT NULL,
    drawn          TEXT COLLATE "C" NOT NULL,
    returned       TEXT COLLATE "C" NOT NULL,
    paid           TEXT COLLATE "C" NOT NULL,
    -- Sent straight to its purses, other than by its treasury.
    donated        TEXT COLLATE "C" NOT NULL,
    payments       BIGINT NOT NULL DEFAULT 0,
    created_block  BIGINT NOT NULL,
    -- The group an envelope draws against as well, or 0; and whether its purses pay through Permit2.
    group_number   BIGINT NOT NULL DEFAULT 0,
    permit2        BOOLEAN NOT NULL DEFAULT FALSE,
    -- How long a reviewer's score lets sessions open, in seconds (0: none is asked for); the last score and its time.
    score_life     BIGINT NOT NULL DEFAULT 0,
    score          BIGINT NOT NULL DEFAULT 0,
    scored_at      BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (treasury, number)
);
CREATE INDEX envelope_by_agent ON envelope (agent);
CREATE INDEX envelope_by_group ON envelope (treasury, group_number, number);

-- What each limit of an envelope has counted: the calendar windows, shortest first, then the lifetime.
-- `used` holds for the window numbered window_index; in any later window nothing is used yet
-- (bursar_sdk::windows::Window::used_at).
CREATE TABLE limit_use (
    treasury     BYTEA NOT NULL,
    envelope     BIGINT NOT NULL,
    idx          BIGINT NOT NULL,
    -- Seconds; 0 is the envelope's lifetime.
    period       BIGINT NOT NULL,
    limit_amount TEXT COLLATE "C" NOT NULL,
    used         TEXT COLLATE "C" NOT NULL,
    window_index BIGINT NOT NULL,
    PRIMARY KEY (treasury, envelope, idx)
);

CREATE TABLE envelope_group (
    treasury      BYTEA NOT NULL,
    number        BIGINT NOT NULL,
    -- The group above, or 0; always of a smaller number.
    parent        BIGINT NOT NULL,
    asset         BYTEA NOT NULL,
    frozen        BOOLEAN NOT NULL,
    -- How often it was released.
    epoch         BIGINT NOT NULL,
    created_block BIGINT NOT NULL,
    PRIMARY KEY (treasury, number)
);

-- What each limit of a group has counted; see limit_use.
CREATE TABLE group_limit_use (
    treasury     BYTEA NOT NULL,
    group_number BIGINT NOT NULL,
    idx          BIGINT NOT NULL,
    period       BIGINT NOT NULL,
    limit_amount TEXT COLLATE "C" NOT NULL,
    used         TEXT COLLATE "C" NOT NULL,
    window_index BIGINT NOT NULL,
    PRIMARY KEY (treasury, group_number, idx)
);

CREATE TABLE policy (
    treasury     BYTEA NOT NULL,
    envelope     BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    policy_hash  BYTEA NOT NULL,
    -- The limits and rules as the chain has them, as JSON: paymentCap, approvalThreshold, sessionLimit,
    -- lifetimeLimit (decimal strings), maxSessionSeconds, payeeList (numbers), windows [{period, limit}].
    rules        TEXT NOT NULL,
    set_by       BYTEA NOT NULL,
    block_number BIGINT NOT NULL,
    tx_hash      BYTEA NOT NULL,
    timestamp    BIGINT NOT NULL,
    PRIMARY KEY (treasury, envelope, version)
);

CREATE TABLE purse (
    address  BYTEA PRIMARY KEY,
    treasury BYTEA NOT NULL,
    envelope BIGINT NOT NULL,
    idx      BIGINT NOT NULL,
    -- The number of its last session, and whether that one is open.
    sequence BIGINT NOT NULL DEFAULT 0,
    open     BOOLEAN NOT NULL DEFAULT FALSE,
    -- What it holds of its envelope's asset.
    balance  TEXT COLLATE "C" NOT NULL
);
CREATE INDEX purse_by_envelope ON purse (treasury, envelope, idx);

CREATE TABLE payee (
    treasury BYTEA NOT NULL,
    list     BIGINT NOT NULL,
    payee    BYTEA NOT NULL,
    PRIMARY KEY (treasury, list, payee)
);

CREATE TABLE session (
    purse          BYTEA NOT NULL,
    sequence       BIGINT NOT NULL,
    -- purse | zero | sequence, as payments commit to it.
    id             BYTEA NOT NULL UNIQUE,
    treasury       BYTEA NOT NULL,
    envelope       BIGINT NOT NULL,
    key            BYTEA NOT NULL,
    budget         TEXT COLLATE "C" NOT NULL,
    opened_at      BIGINT NOT NULL,
    expiry         BIGINT NOT NULL,
    policy_version BIGINT NOT NULL,
    -- The policy's, or the scope's where that is lower.
    approval_threshold TEXT COLLATE "C" NOT NULL,
    -- What it narrows, as JSON: paymentCap, approvalThreshold (decimal strings), payeeList (a number).
    scope          TEXT NOT NULL,
    stamp_hash     BYTEA NOT NULL,
    frozen         BOOLEAN NOT NULL DEFAULT FALSE,
    closed_at      BIGINT,
    returned       TEXT COLLATE "C",
    unspent        TEXT COLLATE "C",
    paid           TEXT COLLATE "C" NOT NULL,
    payments       BIGINT NOT NULL DEFAULT 0,
    opened_tx      BYTEA NOT NULL,
    -- The group that it was drawn from as well, or 0.
    group_number   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (purse, sequence)
);
CREATE INDEX session_by_envelope ON session (treasury, envelope, opened_at);
CREATE INDEX session_by_opening ON session (opened_at, purse, sequence);
CREATE INDEX session_by_purse_opening ON session (purse, opened_at, sequence);

CREATE TABLE payment (
    block_number   BIGINT NOT NULL,
    -- Of the AuthorizationUsed log.
    log_index      BIGINT NOT NULL,
    block_hash     BYTEA NOT NULL,
    tx_hash        BYTEA NOT NULL,
    timestamp      BIGINT NOT NULL,
    treasury       BYTEA NOT NULL,
    envelope       BIGINT NOT NULL,
    agent          BYTEA NOT NULL,
    purse          BYTEA NOT NULL,
    session        BYTEA NOT NULL,
    policy_version BIGINT NOT NULL,
    asset          BYTEA NOT NULL,
    payee          BYTEA NOT NULL,
    amount         TEXT COLLATE "C" NOT NULL,
    -- Permit2 logs no nonce, so a payment may be without one.
    nonce          BYTEA,
    -- Of the Transfer log that moved the money.
    transfer_log_index BIGINT NOT NULL,
    -- From the blob in the transaction's input; NULL where the input could not be read.
    decision_hash  BYTEA,
    -- Who approved; NULL where the policy asked for no approval, whatever the blob carries.
    approver       BYTEA,
    -- Who sent the settling transaction.
    facilitator    BYTEA NOT NULL,
    -- eip3009, permit2_exact, permit2_upto, or permit2 where the transaction's input did not tell which.
    rail           TEXT COLLATE "C" NOT NULL DEFAULT 'eip3009',
    PRIMARY KEY (block_number, log_index)
);
CREATE UNIQUE INDEX payment_by_nonce ON payment (purse, nonce);
CREATE INDEX payment_by_envelope ON payment (treasury, envelope, block_number, log_index);
CREATE INDEX payment_by_agent ON payment (agent, block_number, log_index);
CREATE INDEX payment_by_payee ON payment (payee, block_number, log_index);
CREATE INDEX payment_by_session ON payment (session, block_number, log_index);
CREATE INDEX payment_by_amount ON payment (amount, block_number, log_index);
CREATE INDEX payment_by_time ON payment (timestamp, block_number, log_index);
-- Auditors start from a transaction they saw on the chain.
CREATE INDEX payment_by_tx ON payment (tx_hash, block_number, log_index);

-- Freezes, releases, reviews: who stopped what, and when.
CREATE TABLE stop (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    tx_hash      BYTEA NOT NULL,
    timestamp    BIGINT NOT NULL,
    treasury     BYTEA NOT NULL,
    envelope     BIGINT,
    session      BYTEA,
    -- organisation, group, envelope, session or review.
    level        TEXT COLLATE "C" NOT NULL,
    -- Otherwise released.
    stopped      BOOLEAN NOT NULL,
    by           BYTEA NOT NULL,
    reason       BYTEA,
    -- Which group, where the level is group.
    group_number BIGINT,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX stop_by_envelope ON stop (treasury, envelope, block_number, log_index);
CREATE INDEX stop_by_time ON stop (timestamp, block_number, log_index);

-- Identity stamps revoked, with all that are chained to them.
CREATE TABLE stamp_revocation (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    tx_hash      BYTEA NOT NULL,
    timestamp    BIGINT NOT NULL,
    treasury     BYTEA NOT NULL,
    stamp_hash   BYTEA NOT NULL,
    by           BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX stamp_revocation_by_stamp ON stamp_revocation (treasury, stamp_hash);

-- Roots of the transparency log over its first `size` entries (a decimal: 64 bits without sign).
CREATE TABLE anchor (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    tx_hash      BYTEA NOT NULL,
    timestamp    BIGINT NOT NULL,
    treasury     BYTEA NOT NULL,
    root         BYTEA NOT NULL,
    size         TEXT COLLATE "C" NOT NULL,
    by           BYTEA NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX anchor_by_treasury ON anchor (treasury, block_number, log_index);

-- Decision records, as agents sent them. Not from the chain, so no reorg touches them.
CREATE TABLE decision (
    hash        BYTEA PRIMARY KEY,
    treasury    BYTEA NOT NULL,
    envelope    BIGINT NOT NULL,
    agent       BYTEA NOT NULL,
    seq         BIGINT NOT NULL,
    session     BYTEA,
    -- The nonce a payment under this record carries: what joins it to a payment.
    nonce       BYTEA,
    purse       BYTEA,
    payee       BYTEA NOT NULL,
    amount      TEXT COLLATE "C" NOT NULL,
    verdict     TEXT COLLATE "C" NOT NULL,
    -- The first reason code of a denial.
    reason      TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    -- The canonical JSON itself.
    record      TEXT NOT NULL
);
CREATE INDEX decision_by_nonce ON decision (purse, nonce);
CREATE INDEX decision_by_envelope ON decision (treasury, envelope, created_at, hash);
CREATE INDEX decision_by_verdict ON decision (verdict, created_at, hash);
CREATE UNIQUE INDEX decision_by_seq ON decision (treasury, envelope, agent, seq, hash);
CREATE INDEX decision_by_time ON decision (created_at, hash);
CREATE INDEX decision_by_agent ON decision (agent, created_at, hash);
CREATE INDEX decision_by_payee ON decision (payee, created_at, hash);
CREATE INDEX decision_by_session ON decision (session, created_at, hash);
-- Counting refusals per envelope without reading the records.
CREATE INDEX decision_refused ON decision (treasury, envelope, amount) WHERE verdict = 'denied';

-- Payments above an approval threshold that wait for a human. From agents and approvers, not from the
-- chain, so no reorg touches them. Expiry is a matter of time and not stored.
CREATE TABLE approval_request (
    -- What the session key signs, and what the approval names.
    digest        BYTEA PRIMARY KEY,
    treasury      BYTEA NOT NULL,
    purse         BYTEA NOT NULL,
    payee         BYTEA NOT NULL,
    amount        TEXT COLLATE "C" NOT NULL,
    valid_after   BIGINT NOT NULL,
    valid_before  BIGINT NOT NULL,
    nonce         BYTEA NOT NULL,
    decision_hash BYTEA NOT NULL,
    requested_at  BIGINT NOT NULL,
    -- NULL: nobody answered.
    answer        TEXT COLLATE "C" CHECK (answer IN ('eoa', 'contract', 'rejected')),
    answered_by   BYTEA,
    answered_at   BIGINT,
    -- Where approved.
    signature     BYTEA,
    -- Where rejected.
    reason        TEXT,
    CHECK ((answer IS NULL) = (answered_by IS NULL))
);
CREATE INDEX approval_request_by_time ON approval_request (requested_at, digest);
CREATE INDEX approval_request_by_treasury ON approval_request (treasury, requested_at, digest);
-- The inbox: what nobody answered yet.
CREATE INDEX approval_request_open ON approval_request (requested_at, digest) WHERE answer IS NULL;

-- What rows looked like before a block changed them, newest change last; pruned once the block is final.
CREATE TABLE journal (
    block_number BIGINT NOT NULL,
    seq          BIGINT NOT NULL,
    -- Which row: its table and key, as JSON.
    row_key      TEXT NOT NULL,
    -- The row as JSON; NULL where there was none.
    before       TEXT,
    PRIMARY KEY (block_number, seq)
);

-- Logs that concern us and do not decode: kept aside for inspection, never skipped in silence.
CREATE TABLE undecoded (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    tx_hash      BYTEA NOT NULL,
    address      BYTEA NOT NULL,
    raw          TEXT NOT NULL,
    error        TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
