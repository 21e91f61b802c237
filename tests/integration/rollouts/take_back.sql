-- Drops the columns of candidates and the functions that a test has added, and says that the first revision is the last.
DO $$
DECLARE
    path text := format('SET LOCAL search_path = %I', :schema);
    found record;
BEGIN
    EXECUTE path;
    FOR found IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(:schema)) AND proname LIKE 'evil%' LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', found.name);
    END LOOP;
    FOR found IN SELECT attname FROM pg_attribute
        WHERE attrelid = 'candidates'::regclass AND attname LIKE 'note%' AND NOT attisdropped LOOP
        EXECUTE format('ALTER TABLE candidates DROP COLUMN %I', found.attname);
    END LOOP;
    UPDATE alembic_version SET version_num = '0001';
    -- Of shared tables the comment says it to tenants.
    IF obj_description('alembic_version'::regclass, 'pg_class') IS NOT NULL THEN
        COMMENT ON TABLE alembic_version IS '0001';
    END IF;
END $$;
