-- Time partitions, in three steps, so that a live database is read and written all along and no row is moved. What `event`,
-- `settlement` and `undecoded` hold becomes the first partition of each, up to the next multiple of 1,500,000 blocks: an indexer of
-- an earlier version may go on beside this until there. SQLite has no partitions, and none of these steps.
--
-- The first step says where it ends, without looking at a row. It waits for whoever uses the tables, three seconds at a time, so that
-- nobody waits behind it for longer. A ledger that has not begun has nothing to keep.
SET LOCAL lock_timeout = '3s';

DO $$
DECLARE
    stands BIGINT;
    name   TEXT;
BEGIN
    LOOP
        BEGIN
            LOCK TABLE event, settlement, undecoded IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(1);
        END;
    END LOOP;
    SELECT max(number) INTO stands FROM (
        SELECT max(number) FROM checkpoint
        UNION ALL SELECT max(block_number) FROM event
        UNION ALL SELECT max(block_number) FROM settlement
        UNION ALL SELECT max(block_number) FROM undecoded
    ) AS known (number);
    IF stands IS NULL THEN
        RETURN;
    END IF;
    FOREACH name IN ARRAY ARRAY['event', 'settlement', 'undecoded'] LOOP
        EXECUTE format(
            'ALTER TABLE %I ADD CONSTRAINT %I CHECK (block_number < %s) NOT VALID',
            name, name || '_bound', (stands / 1500000 + 1) * 1500000
        );
    END LOOP;
END $$;
