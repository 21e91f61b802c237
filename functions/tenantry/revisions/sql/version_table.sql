-- Whether an ordinary table keeps a schema's revision; and this session's row_security, so that it can be restored.
SELECT
    EXISTS (
        SELECT FROM pg_catalog.pg_class c
        WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%s)::pg_catalog.oid AND c.relkind OPERATOR(pg_catalog.=) 'r'
    ),
    pg_catalog.current_setting('row_security')
