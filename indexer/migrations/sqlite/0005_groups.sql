-- Budgets above envelopes, payments on other rails, and what verifiers of stamps look for.

-- How often the organisation was released: part of what payment nonces commit to. Stamps of an earlier epoch
-- than stamp_epoch are revoked.
ALTER TABLE treasury ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE treasury ADD COLUMN stamp_epoch INTEGER NOT NULL DEFAULT 0;

-- The group an envelope draws against as well, or 0; and whether its purses pay through Permit2.
ALTER TABLE envelope ADD COLUMN group_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE envelope ADD COLUMN permit2 INTEGER NOT NULL DEFAULT 0;
-- How long a reviewer's score lets sessions open, in seconds (0: none is asked for); the last score and its time.
ALTER TABLE envelope ADD COLUMN score_life INTEGER NOT NULL DEFAULT 0;
ALTER TABLE envelope ADD COLUMN score INTEGER NOT NULL DEFAULT 0;
ALTER TABLE envelope ADD COLUMN scored_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX envelope_by_group ON envelope (treasury, group_number, number);

-- The group that a session was drawn from as well, or 0.
ALTER TABLE session ADD COLUMN group_number INTEGER NOT NULL DEFAULT 0;

-- Which group was stopped or released, where the level is group.
ALTER TABLE stop ADD COLUMN group_number INTEGER;

CREATE TABLE envelope_group (
    treasury      BLOB NOT NULL,
    number        INTEGER NOT NULL,
    -- The group above, or 0; always of a smaller number.
    parent        INTEGER NOT NULL,
    asset         BLOB NOT NULL,
    frozen        INTEGER NOT NULL,
    -- How often it was released.
    epoch         INTEGER NOT NULL,
    created_block INTEGER NOT NULL,
    PRIMARY KEY (treasury, number)
) STRICT, WITHOUT ROWID;

-- What each limit of a group has counted; see limit_use.
CREATE TABLE group_limit_use (
    treasury     BLOB NOT NULL,
    group_number INTEGER NOT NULL,
    idx          INTEGER NOT NULL,
    period       INTEGER NOT NULL,
    limit_amount TEXT NOT NULL,
    used         TEXT NOT NULL,
    window_index INTEGER NOT NULL,
    PRIMARY KEY (treasury, group_number, idx)
) STRICT, WITHOUT ROWID;

-- Permit2 logs no nonce, so a payment may be without one; `rail` is eip3009, permit2_exact, permit2_upto, or
-- permit2 where the transaction's input did not tell which.
ALTER TABLE payment ADD COLUMN rail TEXT NOT NULL DEFAULT 'eip3009';
DROP INDEX payment_by_nonce;
ALTER TABLE payment ADD COLUMN known_nonce BLOB;
UPDATE payment SET known_nonce = nonce;
ALTER TABLE payment DROP COLUMN nonce;
ALTER TABLE payment RENAME COLUMN known_nonce TO nonce;
CREATE UNIQUE INDEX payment_by_nonce ON payment (purse, nonce);

-- Identity stamps revoked, with all that are chained to them.
CREATE TABLE stamp_revocation (
    block_number INTEGER NOT NULL,
    log_index    INTEGER NOT NULL,
    tx_hash      BLOB NOT NULL,
    timestamp    INTEGER NOT NULL,
    treasury     BLOB NOT NULL,
    stamp_hash   BLOB NOT NULL,
    by           BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX stamp_revocation_by_stamp ON stamp_revocation (treasury, stamp_hash);

-- Roots of the transparency log over its first `size` entries (a decimal: 64 bits without sign).
CREATE TABLE anchor (
    block_number INTEGER NOT NULL,
    log_index    INTEGER NOT NULL,
    tx_hash      BLOB NOT NULL,
    timestamp    INTEGER NOT NULL,
    treasury     BLOB NOT NULL,
    root         BLOB NOT NULL,
    size         TEXT NOT NULL,
    by           BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX anchor_by_treasury ON anchor (treasury, block_number, log_index);
