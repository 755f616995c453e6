-- Refused decisions of each envelope, counted as they come and go: pages show them beside every envelope, and there is no
-- end to what agents may have refused. Like decisions not from the chain, so no reorg touches them.
CREATE TABLE refused (
    treasury BLOB NOT NULL,
    envelope INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    -- Their amounts together, in 29 digits or more.
    amount   TEXT NOT NULL,
    PRIMARY KEY (treasury, envelope)
) STRICT, WITHOUT ROWID;

-- Sums of 29 digits are beyond SQLite's numbers: nine, ten and ten of them are added up apart, and carried over.
INSERT INTO refused (treasury, envelope, count, amount)
SELECT treasury, envelope, count, printf('%09d%010d%010d', high + (middle + low / 10000000000) / 10000000000,
       (middle + low / 10000000000) % 10000000000, low % 10000000000)
FROM (SELECT treasury, envelope, count(*) AS count, sum(CAST(substr(amount, 1, 9) AS INTEGER)) AS high,
             sum(CAST(substr(amount, 10, 10) AS INTEGER)) AS middle,
             sum(CAST(substr(amount, 20, 10) AS INTEGER)) AS low
      FROM decision WHERE verdict = 'denied' GROUP BY treasury, envelope);

-- It counted them at each look.
DROP INDEX decision_refused;
