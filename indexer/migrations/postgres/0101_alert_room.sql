-- An alert that goes on changes with every payment it counts, in columns that no index has. With room beside it on its page,
-- its indexes are left alone and what it was is cleared away in passing.
ALTER TABLE alert SET (fillfactor = 40);
