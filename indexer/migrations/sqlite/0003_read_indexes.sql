-- What lists walk along: each ends in the list's own order, so that a page is read from one index.

-- Auditors start from a transaction they saw on the chain.
CREATE INDEX payment_by_tx ON payment (tx_hash, block_number, log_index);
CREATE INDEX session_by_opening ON session (opened_at, purse, sequence);
CREATE INDEX session_by_purse_opening ON session (purse, opened_at, sequence);
CREATE INDEX decision_by_time ON decision (created_at, hash);
CREATE INDEX decision_by_agent ON decision (agent, created_at, hash);
CREATE INDEX decision_by_payee ON decision (payee, created_at, hash);
CREATE INDEX decision_by_session ON decision (session, created_at, hash);
-- Counting refusals per envelope without reading the records.
CREATE INDEX decision_refused ON decision (treasury, envelope, amount) WHERE verdict = 'denied';
CREATE INDEX stop_by_time ON stop (timestamp, block_number, log_index);
