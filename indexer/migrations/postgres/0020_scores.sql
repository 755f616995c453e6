-- The score of every envelope's agent, as the ledger tells it, and when records from outside entered the ledger.

-- What a score is fed with, from outside the chain: facts of a record, at the place in the ledger where they were
-- taken in. That is after everything of block `block_number`, the block that the ledger stood at when the record came;
-- `timestamp` was that block's. No reorg touches this: where the chain turns, what lies above the fork is taken in
-- again at the same heights. So the score of a height is a function of the chain and of this table up to it, with or
-- without the records themselves.
CREATE TABLE intake (
    block_number BIGINT NOT NULL,
    seq          BIGINT NOT NULL,
    timestamp    BIGINT NOT NULL,
    -- keccak-256 of the record.
    subject      BYTEA NOT NULL UNIQUE,
    -- approved and denied are decisions; delivered and failed are outcomes.
    fact         TEXT COLLATE "C" NOT NULL,
    -- How grave a denial is: circumstance, limit or tampering.
    gravity      TEXT COLLATE "C" CHECK ((fact = 'denied') = (gravity IS NOT NULL)),
    treasury     BYTEA NOT NULL,
    envelope     BIGINT NOT NULL,
    -- The payment it is about, where it is about one.
    purse        BYTEA,
    nonce        BYTEA,
    -- When it was made, as its author says.
    created_at   BIGINT NOT NULL,
    -- Whose signature it carries; NULL where it is nobody's, or made for another chain.
    sealed_by    BYTEA,
    PRIMARY KEY (block_number, seq)
);
CREATE INDEX intake_by_payment ON intake (purse, nonce, block_number, seq);

-- What came before this table came at the height where the ledger stands. Outcomes and seals came later than it.
INSERT INTO intake (block_number, seq, timestamp, subject, fact, gravity, treasury, envelope, purse, nonce, created_at)
SELECT c.number, ROW_NUMBER() OVER (ORDER BY d.received_at, d.hash) - 1, c.timestamp, d.hash, d.verdict,
       CASE d.verdict WHEN 'denied' THEN 'circumstance' END, d.treasury, d.envelope, d.purse, d.nonce, d.created_at
FROM decision d CROSS JOIN checkpoint c;

-- What a score remembers (bursar_sdk::score::State), as JSON; value and time are those of the last event.
CREATE TABLE score (
    treasury BYTEA NOT NULL,
    envelope BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    value    BIGINT NOT NULL,
    state    TEXT NOT NULL,
    PRIMARY KEY (treasury, envelope)
);

-- The score after each block that changed it, records taken in at its height included.
CREATE TABLE score_history (
    treasury     BYTEA NOT NULL,
    envelope     BIGINT NOT NULL,
    block_number BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    value        BIGINT NOT NULL,
    -- bursar_sdk::score::Inputs, as JSON: with them, every reason is told again.
    inputs       TEXT NOT NULL,
    -- bursar_sdk::score::Trigger, as JSON; NULL where no human has to look.
    review       TEXT,
    PRIMARY KEY (treasury, envelope, block_number)
);
CREATE INDEX score_history_by_block ON score_history (block_number);

-- What an envelope knows of a payee (bursar_sdk::score::PayeeRecord).
CREATE TABLE payee_record (
    treasury      BYTEA NOT NULL,
    envelope      BIGINT NOT NULL,
    payee         BYTEA NOT NULL,
    first_paid_at BIGINT NOT NULL,
    returned      TEXT COLLATE "C" NOT NULL,
    week          BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    PRIMARY KEY (treasury, envelope, payee)
);

-- Accounts that have, or had, a role or a key in a treasury: roles, agents, session keys, purses. Paying them is
-- money on its way round.
CREATE TABLE insider (
    treasury BYTEA NOT NULL,
    account  BYTEA NOT NULL,
    PRIMARY KEY (treasury, account)
);

-- The list of payees of the policy in force; 0 where it pays anybody.
ALTER TABLE envelope ADD COLUMN payee_list BIGINT NOT NULL DEFAULT 0;
-- What the payment could earn: known, new or own.
ALTER TABLE payment ADD COLUMN standing TEXT COLLATE "C" NOT NULL DEFAULT 'known';

-- None of this is told by the rows there are. They come from the chain and are read from it again.
DELETE FROM event;
DELETE FROM payment;
DELETE FROM policy;
DELETE FROM stop;
DELETE FROM stamp_revocation;
DELETE FROM anchor;
DELETE FROM undecoded;
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
DELETE FROM journal;
DELETE FROM block;
DELETE FROM checkpoint;
