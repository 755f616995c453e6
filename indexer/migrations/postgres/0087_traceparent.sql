-- The span of the agent's payment (W3C Trace Context), as it came with the record and beside it: no part of the record, nor of
-- the transparency log, and gone where the record is erased.
ALTER TABLE decision ADD COLUMN traceparent TEXT;
