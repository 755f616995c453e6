-- Requests carry their agent's seal, so that how many are open can be bounded for each agent.
-- NULL: it came before seals were asked for.
ALTER TABLE approval_request ADD COLUMN agent BYTEA;
-- The agent's signature: that it was the agent who asked.
ALTER TABLE approval_request ADD COLUMN seal BYTEA;
CREATE INDEX approval_request_by_agent ON approval_request (agent, requested_at, digest);
-- How many are open, of a treasury and of an agent.
CREATE INDEX approval_request_desk ON approval_request (treasury, agent, valid_before) WHERE answer IS NULL;
