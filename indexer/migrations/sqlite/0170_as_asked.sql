-- A nonce is asked for with its purse and, in a search, without: one index answers both, however many purses there are.
DROP INDEX payment_by_nonce;
CREATE UNIQUE INDEX payment_by_nonce ON payment (nonce, purse);

-- What was ever frozen is little: whoever asks what was as of a block passes over the rest with a look here.
CREATE INDEX envelope_then_frozen ON envelope_then (treasury, number, frozen) WHERE frozen;
CREATE INDEX treasury_then_frozen ON treasury_then (treasury, frozen) WHERE frozen;
CREATE INDEX group_then_frozen ON group_then (treasury, frozen) WHERE frozen;
