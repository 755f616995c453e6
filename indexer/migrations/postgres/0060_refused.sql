-- Refused decisions of each envelope, counted as they come and go: pages show them beside every envelope, and there is no
-- end to what agents may have refused. Like decisions not from the chain, so no reorg touches them.
CREATE TABLE refused (
    treasury BYTEA NOT NULL,
    envelope BIGINT NOT NULL,
    count    BIGINT NOT NULL,
    -- Their amounts together, in 29 digits or more.
    amount   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (treasury, envelope)
);

INSERT INTO refused (treasury, envelope, count, amount)
SELECT treasury, envelope, count(*), lpad(sum(amount::NUMERIC)::TEXT, 29, '0')
FROM decision WHERE verdict = 'denied' GROUP BY treasury, envelope;

-- It counted them at each look.
DROP INDEX decision_refused;
