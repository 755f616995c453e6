-- What the treasury itself said of an envelope, without what tokens say of each payment: an envelope as of a block is built
-- again from it.
CREATE INDEX event_said ON event (treasury, envelope, block_number, log_index)
    WHERE kind NOT IN ('transfer', 'authorization_used');
