-- In backfill a block's hash and time come with its logs, and nothing tells its parent: that costs a question for every
-- block. Parents are compared as blocks come in; nobody reads them here.
ALTER TABLE block DROP COLUMN parent_hash;
