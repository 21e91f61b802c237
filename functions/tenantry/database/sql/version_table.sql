-- Whether a table keeps a schema's revision; and whether policies apply to this session, to set that back.
SELECT
    EXISTS (
        SELECT FROM pg_catalog.pg_class c
        WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%s)::pg_catalog.oid AND c.relkind OPERATOR(pg_catalog.=) 'r'
    ),
    pg_catalog.current_setting('row_security')
