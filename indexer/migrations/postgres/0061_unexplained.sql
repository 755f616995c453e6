-- Payments that no decision is known of, beside the payments: few, and looked for among all of them.

-- Written with a payment and unwound with its block; deleted when a record comes that the payment commits to.
CREATE TABLE unexplained (
    block_number BIGINT NOT NULL,
    log_index    BIGINT NOT NULL,
    treasury     BYTEA NOT NULL,
    envelope     BIGINT NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE INDEX unexplained_by_treasury ON unexplained (treasury, block_number, log_index, envelope);

INSERT INTO unexplained (block_number, log_index, treasury, envelope)
SELECT block_number, log_index, treasury, envelope FROM payment p WHERE NOT EXISTS
    (SELECT 1 FROM intake i WHERE i.purse = p.purse AND i.nonce = p.nonce AND i.fact IN ('approved', 'denied'));
