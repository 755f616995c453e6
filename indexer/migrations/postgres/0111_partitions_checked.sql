-- The second step looks at every row, beside who reads and writes: the third need not, then.
DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['event', 'settlement', 'undecoded'] LOOP
        IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = name::REGCLASS AND conname = name || '_bound') THEN
            EXECUTE format('ALTER TABLE %I VALIDATE CONSTRAINT %I', name, name || '_bound');
        END IF;
    END LOOP;
END $$;
