-- The third step: tables that are cut by block, into partitions of some weeks each, take the place of those that were whole. Indexers
-- make further partitions before they write to them (indexer/src/db/partitions). There is none for the rest: each new one would
-- have to be held against its rows, and none could be detached while somebody reads.
--
-- `payment` stays whole: that no purse uses a nonce twice holds in the whole table, not within each month.
SET LOCAL lock_timeout = '3s';

DO $$
BEGIN
    LOOP
        BEGIN
            LOCK TABLE event, settlement, undecoded IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(1);
        END;
    END LOOP;
END $$;

ALTER TABLE event RENAME TO event_before;
ALTER INDEX event_pkey RENAME TO event_before_pkey;
ALTER INDEX event_by_envelope RENAME TO event_before_by_envelope;
ALTER INDEX event_by_kind RENAME TO event_before_by_kind;
ALTER INDEX event_said RENAME TO event_before_said;

CREATE TABLE event (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    block_hash   BYTEA NOT NULL,
    tx_hash      BYTEA NOT NULL,
    address      BYTEA NOT NULL,
    treasury     BYTEA,
    envelope     BIGINT,
    kind         TEXT COLLATE "C" NOT NULL,
    args         TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
) PARTITION BY RANGE (block_number);
CREATE INDEX event_by_envelope ON event (treasury, envelope, block_number, log_index);
CREATE INDEX event_by_kind ON event (kind, block_number, log_index);
CREATE INDEX event_said ON event (treasury, envelope, block_number, log_index)
    WHERE kind NOT IN ('transfer', 'authorization_used');

ALTER TABLE settlement RENAME TO settlement_before;
ALTER INDEX settlement_pkey RENAME TO settlement_before_pkey;
ALTER INDEX IF EXISTS settlement_by_payer RENAME TO settlement_before_by_payer;
ALTER INDEX IF EXISTS settlement_by_payee RENAME TO settlement_before_by_payee;
ALTER INDEX IF EXISTS settlement_by_time RENAME TO settlement_before_by_time;

CREATE TABLE settlement (
    block_number   BIGINT NOT NULL,
    log_index      BIGINT NOT NULL,
    block_hash     BYTEA NOT NULL,
    tx_hash        BYTEA NOT NULL,
    timestamp      BIGINT NOT NULL,
    payer          BYTEA NOT NULL,
    asset          BYTEA NOT NULL,
    payee          BYTEA NOT NULL,
    amount         TEXT COLLATE "C" NOT NULL,
    nonce          BYTEA,
    transfer_log_index BIGINT NOT NULL,
    rail           TEXT COLLATE "C" NOT NULL,
    facilitator    BYTEA,
    PRIMARY KEY (block_number, log_index)
) PARTITION BY RANGE (block_number);
CREATE INDEX settlement_by_payer ON settlement (payer, block_number, log_index);
CREATE INDEX settlement_by_payee ON settlement (payee, block_number, log_index);
CREATE INDEX settlement_by_time ON settlement (timestamp, block_number);

ALTER TABLE undecoded RENAME TO undecoded_before;
ALTER INDEX undecoded_pkey RENAME TO undecoded_before_pkey;

CREATE TABLE undecoded (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    tx_hash      BYTEA NOT NULL,
    address      BYTEA NOT NULL,
    raw          TEXT NOT NULL,
    error        TEXT NOT NULL,
    PRIMARY KEY (block_number, log_index)
) PARTITION BY RANGE (block_number);

-- What there was is attached with its indexes; that it fits is known from the constraint. Where the ledger has begun since the first
-- step, there are few rows to look at; where it has not, there is nothing to attach.
DO $$
DECLARE
    bound BIGINT;
    name  TEXT;
BEGIN
    SELECT substring(pg_get_constraintdef(oid) FROM '[0-9]+')::BIGINT INTO bound FROM pg_constraint
    WHERE conrelid = 'event_before'::REGCLASS AND conname = 'event_bound';
    IF bound IS NULL THEN
        SELECT (max(number) / 1500000 + 1) * 1500000 INTO bound FROM (
            SELECT max(number) FROM checkpoint
            UNION ALL SELECT max(block_number) FROM event_before
            UNION ALL SELECT max(block_number) FROM settlement_before
            UNION ALL SELECT max(block_number) FROM undecoded_before
        ) AS known (number);
    END IF;
    FOREACH name IN ARRAY ARRAY['event', 'settlement', 'undecoded'] LOOP
        IF bound IS NULL THEN
            EXECUTE format('DROP TABLE %I', name || '_before');
        ELSE
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)',
                name, name || '_before', bound
            );
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I', name || '_before', name || '_bound');
        END IF;
    END LOOP;
END $$;
