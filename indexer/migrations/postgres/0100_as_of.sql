-- Decisions that came from clocks ahead of ours: what a list as of then does not find by its time.
CREATE INDEX decision_ahead ON decision (created_at, hash) WHERE created_at > received_at;
-- What an envelope has paid to one payee, newest first: asked for each payment that waits for a human.
CREATE INDEX payment_by_envelope_payee ON payment (treasury, envelope, payee, block_number, log_index);
-- Requests about one payee, and of one purse, newest first.
CREATE INDEX approval_request_by_payee ON approval_request (payee, requested_at, digest);
CREATE INDEX approval_request_by_purse ON approval_request (purse, requested_at, digest);
