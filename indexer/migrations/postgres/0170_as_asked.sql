-- A nonce is asked for with its purse and, in a search, without: one index answers both, however many purses there are. What was ever
-- frozen is little: whoever asks what was as of a block passes over the rest with a look here.
--
-- Who writes to the ledger takes the checkpoint first, and waits; who reads goes on. Locks are waited for three seconds at a time, so that
-- nobody waits behind this for longer.
SET LOCAL lock_timeout = '3s';

DO $$
BEGIN
    LOOP
        BEGIN
            LOCK TABLE checkpoint IN SHARE ROW EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(1);
        END;
    END LOOP;
END $$;

SET LOCAL lock_timeout = 0;

CREATE UNIQUE INDEX payment_by_nonce_purse ON payment (nonce, purse);
CREATE INDEX envelope_then_frozen ON envelope_then (treasury, number, frozen) WHERE frozen;
CREATE INDEX treasury_then_frozen ON treasury_then (treasury, frozen) WHERE frozen;
CREATE INDEX group_then_frozen ON group_then (treasury, frozen) WHERE frozen;

SET LOCAL lock_timeout = '3s';

DO $$
BEGIN
    LOOP
        BEGIN
            LOCK TABLE payment IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(1);
        END;
    END LOOP;
END $$;

DROP INDEX payment_by_nonce;
ALTER INDEX payment_by_nonce_purse RENAME TO payment_by_nonce;
