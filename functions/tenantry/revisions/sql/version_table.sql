-- Whether an ordinary table keeps a schema's revision. Turns this session's row_security off, and returns what it was, so that
-- it can be restored: it is looked up first, as a subquery that is not merged.
SELECT
    EXISTS (
        SELECT FROM pg_catalog.pg_class c
        WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({table})::pg_catalog.oid AND c.relkind OPERATOR(pg_catalog.=) 'r'
    ),
    before.policies,
    pg_catalog.set_config('row_security', 'off', false)
FROM (SELECT pg_catalog.current_setting('row_security') AS policies OFFSET 0) before
