-- Whose a log is that was set aside, so that a treasury's people are shown theirs and nobody else's: of the treasury that emitted it,
-- or of the purse that a token named in it. NULL is of no treasury that is known, and for the operator alone. What tokens had said
-- before this stays so; what treasuries had said is told by who emitted it.
--
-- It waits for whoever uses the table, three seconds at a time, so that nobody waits behind it for longer.
SET LOCAL lock_timeout = '3s';

DO $$
BEGIN
    LOOP
        BEGIN
            LOCK TABLE undecoded IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(1);
        END;
    END LOOP;
END $$;

ALTER TABLE undecoded ADD COLUMN treasury BYTEA;
UPDATE undecoded SET treasury = address WHERE address IN (SELECT address FROM treasury);
CREATE INDEX undecoded_by_treasury ON undecoded (treasury, block_number, log_index);
