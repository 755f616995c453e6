-- Payments of a rail that few take, newest first.
CREATE INDEX payment_by_rail ON payment (rail, block_number, log_index);
