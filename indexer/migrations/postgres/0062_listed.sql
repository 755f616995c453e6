-- Indexes that tell by themselves which rows a page skips: decisions are long rows, and each that was read and left out
-- cost more than all the rest of it.

-- Refusals, in the orders in which they are listed. What is to be paid is nearly all of `decision`: that is listed without.
DROP INDEX decision_by_verdict;
CREATE INDEX decision_denied ON decision (created_at, hash, envelope, amount, verdict) WHERE verdict = 'denied';
CREATE INDEX decision_denied_by_treasury ON decision (treasury, created_at, hash) WHERE verdict = 'denied';
CREATE INDEX decision_denied_by_envelope ON decision (treasury, envelope, created_at, hash) WHERE verdict = 'denied';
CREATE INDEX decision_denied_by_agent ON decision (agent, created_at, hash) WHERE verdict = 'denied';

-- Envelopes of one number, whichever treasury they are of; and decisions that nothing has settled.
DROP INDEX decision_by_time;
CREATE INDEX decision_by_time ON decision (created_at, hash, envelope, purse, nonce);
DROP INDEX alert_by_time;
CREATE INDEX alert_by_time ON alert (raised_at, id, envelope);

-- The newest that stand of each of several envelopes.
DROP INDEX alert_open_by_envelope;
CREATE INDEX alert_open_by_envelope ON alert (treasury, envelope, raised_at DESC, id DESC) WHERE closed_block IS NULL;
