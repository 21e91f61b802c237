-- Shared tables, each with the tables that refer to it.
SELECT
    c.relname::text,
    ARRAY(
        SELECT r.relname::text FROM pg_constraint f JOIN pg_class r ON r.oid = f.conrelid
        WHERE f.confrelid = c.oid AND f.contype = 'f'
    )
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname <> %s
  AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenantry_tenant')
ORDER BY 1
