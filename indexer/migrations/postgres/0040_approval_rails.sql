-- How the payment is to settle: eip3009, permit2_exact or permit2_upto. What came before was EIP-3009.
ALTER TABLE approval_request ADD COLUMN rail TEXT NOT NULL DEFAULT 'eip3009';
-- The only account that may settle, on permit2_upto.
ALTER TABLE approval_request ADD COLUMN facilitator BYTEA;
