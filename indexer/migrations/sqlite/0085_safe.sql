-- The last block that is unlikely to be taken back: from the last final one to the last one there is. Where nothing tells of
-- it, the last final one.
ALTER TABLE checkpoint ADD COLUMN safe_number INTEGER NOT NULL DEFAULT 0;
UPDATE checkpoint SET safe_number = final_number;
