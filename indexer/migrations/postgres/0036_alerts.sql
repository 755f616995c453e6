-- What somebody should look at, as chain and records tell it. Blocks and records change these rows like any others: they
-- are journalled, unwound with their block, and the same after the chain was read again.

-- What depends on the clock is written ahead, with the chain time from which it holds: raised_at may lie in the future, and
-- closed_at too. An alert is open from raised_at (inclusive) to closed_at (exclusive).
CREATE TABLE alert (
    -- keccak-256 of kind, place and subject, and of the block that raised it.
    id           BYTEA PRIMARY KEY,
    -- policy_drift, unexplained_payment, donation, payee_burst, off_trajectory, ungoverned_payer, score_silent, review or frozen.
    kind         TEXT COLLATE "C" NOT NULL,
    -- notice, warning or critical.
    severity     TEXT COLLATE "C" NOT NULL,
    -- NULL where no treasury is concerned.
    treasury     BYTEA,
    -- NULL where the whole treasury is concerned.
    envelope     BIGINT,
    -- What it is about, in its kind's own words.
    subject      TEXT COLLATE "C" NOT NULL,
    raised_at    BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    -- NULL: by a record taken in after that block.
    block_hash   BYTEA,
    -- Written before its time.
    foreseen     BOOLEAN NOT NULL,
    -- NULL: until further notice.
    closed_at    BIGINT,
    -- NULL: by time, or not yet.
    closed_block BIGINT,
    -- How often it happened while the alert was open.
    count        BIGINT NOT NULL,
    -- The numbers that raised it, as JSON; of the last time.
    detail       TEXT NOT NULL
);
CREATE INDEX alert_by_time ON alert (raised_at, id);
CREATE INDEX alert_by_kind ON alert (kind, raised_at, id);
CREATE INDEX alert_by_treasury ON alert (treasury, raised_at, id);
CREATE INDEX alert_by_envelope ON alert (treasury, envelope, raised_at, id);
-- What may be open: a flood of what has been closed does not stand in its way.
CREATE INDEX alert_open ON alert (raised_at, id) WHERE closed_block IS NULL;
CREATE INDEX alert_open_by_kind ON alert (kind, raised_at, id) WHERE closed_block IS NULL;
CREATE INDEX alert_open_by_envelope ON alert (treasury, envelope, raised_at, id) WHERE closed_block IS NULL;

-- Which alert a topic (kind, place and subject) has open, or had until its time was over: one at a time.
CREATE TABLE alert_topic (
    topic BYTEA PRIMARY KEY,
    alert BYTEA NOT NULL
);

-- How many sessions of the policy in force are not closed, and when the last of them expires.
ALTER TABLE envelope ADD COLUMN open_sessions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE envelope ADD COLUMN open_until BIGINT NOT NULL DEFAULT 0;
-- How many payees off the list were first paid in a half-hour (since 1970), and in the one before.
ALTER TABLE envelope ADD COLUMN newcomers_slot BIGINT NOT NULL DEFAULT 0;
ALTER TABLE envelope ADD COLUMN newcomers BIGINT NOT NULL DEFAULT 0;
ALTER TABLE envelope ADD COLUMN newcomers_before BIGINT NOT NULL DEFAULT 0;

-- How many payments no decision record is known of.
ALTER TABLE envelope ADD COLUMN unexplained BIGINT NOT NULL DEFAULT 0;
-- Those that open sessions on a reported score alone.
CREATE INDEX envelope_scored ON envelope (treasury, number) WHERE score_life > 0;

-- The rows there are tell none of this. They come from the chain and are read from it again.
DELETE FROM event;
DELETE FROM payment;
DELETE FROM settlement;
DELETE FROM policy;
DELETE FROM stop;
DELETE FROM stamp_revocation;
DELETE FROM anchor;
DELETE FROM undecoded;
DELETE FROM score_history;
DELETE FROM treasury;
DELETE FROM role;
DELETE FROM asset;
DELETE FROM envelope;
DELETE FROM limit_use;
DELETE FROM envelope_group;
DELETE FROM group_limit_use;
DELETE FROM purse;
DELETE FROM payee;
DELETE FROM session;
DELETE FROM score;
DELETE FROM payee_record;
DELETE FROM insider;
DELETE FROM journal;
DELETE FROM block;
DELETE FROM checkpoint;
