-- How rows stood after the blocks that changed them: each as of a block is its last one here at or below it. So what is told as of a
-- block costs what it holds, whatever there is and whatever came since. What nothing is kept of was never stopped, never listed, and has
-- no limits. Stores of before are filled by whoever opens them first (indexer/src/store/then).
--
-- It waits for whoever uses the tables, three seconds at a time, so that nobody waits behind it for longer.
SET LOCAL lock_timeout = '3s';

DO $$
BEGIN
    LOOP
        BEGIN
            LOCK TABLE checkpoint, event IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(1);
        END;
    END LOOP;
END $$;

-- The block up to which all of that is kept. An indexer of an earlier version moves the checkpoint without it; then it is filled again.
ALTER TABLE checkpoint ADD COLUMN then_hash BYTEA;

CREATE TABLE treasury_then (
    treasury     BYTEA NOT NULL,
    block_number BIGINT NOT NULL,
    frozen       BOOLEAN NOT NULL,
    stamp_epoch  BIGINT NOT NULL,
    PRIMARY KEY (treasury, block_number)
);
CREATE INDEX treasury_then_by_block ON treasury_then (block_number);

CREATE TABLE group_then (
    treasury     BYTEA NOT NULL,
    number       BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    frozen       BOOLEAN NOT NULL,
    PRIMARY KEY (treasury, number, block_number)
);
CREATE INDEX group_then_by_block ON group_then (block_number);

-- Where nothing but payments has come since the last row there is a next one only when their count has passed a multiple of 64: what
-- was paid after it is added up from fewer payments than that.
CREATE TABLE envelope_then (
    treasury       BYTEA NOT NULL,
    number         BIGINT NOT NULL,
    block_number   BIGINT NOT NULL,
    agent          BYTEA NOT NULL,
    group_number   BIGINT NOT NULL,
    permit2        BOOLEAN NOT NULL,
    frozen         BOOLEAN NOT NULL,
    under_review   BOOLEAN NOT NULL,
    policy_version BIGINT NOT NULL,
    score_life     BIGINT NOT NULL,
    score          BIGINT NOT NULL,
    scored_at      BIGINT NOT NULL,
    funded         TEXT COLLATE "C" NOT NULL,
    withdrawn      TEXT COLLATE "C" NOT NULL,
    drawn          TEXT COLLATE "C" NOT NULL,
    returned       TEXT COLLATE "C" NOT NULL,
    donated        TEXT COLLATE "C" NOT NULL,
    paid           TEXT COLLATE "C" NOT NULL,
    payments       BIGINT NOT NULL,
    PRIMARY KEY (treasury, number, block_number)
);
CREATE INDEX envelope_then_by_block ON envelope_then (block_number);

-- Whose an envelope became: its first agent, and each one that it was handed to.
CREATE TABLE agent_then (
    treasury     BYTEA NOT NULL,
    number       BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    agent        BYTEA NOT NULL,
    PRIMARY KEY (treasury, number, block_number)
);
CREATE INDEX agent_then_by_agent ON agent_then (agent, treasury, number, block_number);
CREATE INDEX agent_then_by_treasury ON agent_then (treasury, agent, number, block_number);
CREATE INDEX agent_then_by_block ON agent_then (block_number);

-- What the limits of an envelope had counted, as JSON: [{period, limit, used, index}], shortest window first, the lifetime last.
CREATE TABLE limits_then (
    treasury     BYTEA NOT NULL,
    number       BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    uses         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (treasury, number, block_number)
);
CREATE INDEX limits_then_by_block ON limits_then (block_number);

CREATE TABLE payee_then (
    treasury     BYTEA NOT NULL,
    list         BIGINT NOT NULL,
    payee        BYTEA NOT NULL,
    block_number BIGINT NOT NULL,
    listed       BOOLEAN NOT NULL,
    PRIMARY KEY (treasury, list, payee, block_number)
);
CREATE INDEX payee_then_by_block ON payee_then (block_number);

-- From its opening on; see envelope_then.
CREATE TABLE session_then (
    purse        BYTEA NOT NULL,
    sequence     BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    frozen       BOOLEAN NOT NULL,
    closed       BOOLEAN NOT NULL,
    paid         TEXT COLLATE "C" NOT NULL,
    payments     BIGINT NOT NULL,
    PRIMARY KEY (purse, sequence, block_number)
);
CREATE INDEX session_then_by_block ON session_then (block_number);

-- Nothing is told from what treasuries said any more but what is told in its order.
DROP INDEX event_said;
DROP INDEX event_by_kind;
