-- How rows stood after the blocks that changed them: each as of a block is its last one here at or below it. So what is told as of a
-- block costs what it holds, whatever there is and whatever came since. What nothing is kept of was never stopped, never listed, and has
-- no limits. Stores of before are filled by whoever opens them first (indexer/src/store/then).

-- The block up to which all of that is kept. An indexer of an earlier version moves the checkpoint without it; then it is filled again.
ALTER TABLE checkpoint ADD COLUMN then_hash BLOB;

CREATE TABLE treasury_then (
    treasury     BLOB NOT NULL,
    block_number INTEGER NOT NULL,
    frozen       INTEGER NOT NULL,
    stamp_epoch  INTEGER NOT NULL,
    PRIMARY KEY (treasury, block_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX treasury_then_by_block ON treasury_then (block_number);

CREATE TABLE group_then (
    treasury     BLOB NOT NULL,
    number       INTEGER NOT NULL,
    block_number INTEGER NOT NULL,
    frozen       INTEGER NOT NULL,
    PRIMARY KEY (treasury, number, block_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_then_by_block ON group_then (block_number);

-- Where nothing but payments has come since the last row there is a next one only when their count has passed a multiple of 64: what
-- was paid after it is added up from fewer payments than that.
CREATE TABLE envelope_then (
    treasury       BLOB NOT NULL,
    number         INTEGER NOT NULL,
    block_number   INTEGER NOT NULL,
    agent          BLOB NOT NULL,
    group_number   INTEGER NOT NULL,
    permit2        INTEGER NOT NULL,
    frozen         INTEGER NOT NULL,
    under_review   INTEGER NOT NULL,
    policy_version INTEGER NOT NULL,
    score_life     INTEGER NOT NULL,
    score          INTEGER NOT NULL,
    scored_at      INTEGER NOT NULL,
    funded         TEXT NOT NULL,
    withdrawn      TEXT NOT NULL,
    drawn          TEXT NOT NULL,
    returned       TEXT NOT NULL,
    donated        TEXT NOT NULL,
    paid           TEXT NOT NULL,
    payments       INTEGER NOT NULL,
    PRIMARY KEY (treasury, number, block_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_then_by_block ON envelope_then (block_number);

-- Whose an envelope became: its first agent, and each one that it was handed to.
CREATE TABLE agent_then (
    treasury     BLOB NOT NULL,
    number       INTEGER NOT NULL,
    block_number INTEGER NOT NULL,
    agent        BLOB NOT NULL,
    PRIMARY KEY (treasury, number, block_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_then_by_agent ON agent_then (agent, treasury, number, block_number);
CREATE INDEX agent_then_by_treasury ON agent_then (treasury, agent, number, block_number);
CREATE INDEX agent_then_by_block ON agent_then (block_number);

-- What the limits of an envelope had counted, as JSON: [{period, limit, used, index}], shortest window first, the lifetime last.
CREATE TABLE limits_then (
    treasury     BLOB NOT NULL,
    number       INTEGER NOT NULL,
    block_number INTEGER NOT NULL,
    uses         TEXT NOT NULL,
    PRIMARY KEY (treasury, number, block_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_then_by_block ON limits_then (block_number);

CREATE TABLE payee_then (
    treasury     BLOB NOT NULL,
    list         INTEGER NOT NULL,
    payee        BLOB NOT NULL,
    block_number INTEGER NOT NULL,
    listed       INTEGER NOT NULL,
    PRIMARY KEY (treasury, list, payee, block_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX payee_then_by_block ON payee_then (block_number);

-- From its opening on; see envelope_then.
CREATE TABLE session_then (
    purse        BLOB NOT NULL,
    sequence     INTEGER NOT NULL,
    block_number INTEGER NOT NULL,
    frozen       INTEGER NOT NULL,
    closed       INTEGER NOT NULL,
    paid         TEXT NOT NULL,
    payments     INTEGER NOT NULL,
    PRIMARY KEY (purse, sequence, block_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_then_by_block ON session_then (block_number);

-- Nothing is told from what treasuries said any more but what is told in its order.
DROP INDEX event_said;
DROP INDEX event_by_kind;
