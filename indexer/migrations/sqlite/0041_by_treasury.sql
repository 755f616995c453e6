-- Lists of one treasury, in their own order: without these, each page sorts all that the treasury has.
CREATE INDEX payment_by_treasury ON payment (treasury, block_number, log_index);
CREATE INDEX decision_by_treasury ON decision (treasury, created_at, hash);
CREATE INDEX session_by_treasury ON session (treasury, opened_at, purse, sequence);
CREATE INDEX stop_by_treasury ON stop (treasury, block_number, log_index);
