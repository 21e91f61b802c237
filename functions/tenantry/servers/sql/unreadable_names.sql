-- Reads every name in the database as UTF-8, where the database has no encoding that says what its bytes are; a name that
-- is no UTF-8 ends the statement.
SELECT count(convert_from(convert_to(name::text, 'SQL_ASCII'), 'UTF8'))
FROM (
    SELECT nspname FROM pg_namespace
    UNION ALL SELECT relname FROM pg_class
    UNION ALL SELECT attname FROM pg_attribute
    UNION ALL SELECT proname FROM pg_proc
    UNION ALL SELECT typname FROM pg_type
    UNION ALL SELECT enumlabel FROM pg_enum
) names(name)
WHERE current_setting('server_encoding') = 'SQL_ASCII'
