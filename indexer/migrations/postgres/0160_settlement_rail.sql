-- Settlements of a rail that few take, newest first. Nearly all are transfers with an authorization, which are found without it.
CREATE INDEX settlement_by_rail ON settlement (rail, block_number, log_index) WHERE rail <> 'eip3009';
