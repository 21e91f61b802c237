-- The objects of a schema that tenants can't share, and why; {version_table} is Alembic's own table.
WITH relations AS (
    SELECT c.*, EXISTS (
        SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenantry_tenant'
    ) AS shaped
    FROM pg_class c
    WHERE c.relnamespace = {schema}::regnamespace AND c.oid IS DISTINCT FROM to_regclass({version_table})
)
SELECT relname || ': only ordinary tables and views can be shared'
FROM relations WHERE relkind IN ('p', 'm', 'f') OR relispartition
UNION ALL
SELECT relname || ': a table that inherits from another can''t be shared'
FROM relations WHERE oid IN (SELECT inhrelid FROM pg_inherits) AND relkind IN ('r', 'p')
UNION ALL
SELECT relname || ': its column tenant_id means something else'
FROM relations
WHERE relkind = 'r' AND NOT shaped
  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relations.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
UNION ALL
SELECT relname || ': it has a policy of its own, ' || p.polname
FROM relations JOIN pg_policy p ON p.polrelid = relations.oid
WHERE p.polname NOT IN ('tenantry_tenant', 'tenantry_administration')
UNION ALL
SELECT relname || ': the constraint ' || x.conname || ' would hold between tenants'
FROM relations JOIN pg_constraint x ON x.conrelid = relations.oid
WHERE x.contype = 'x'
UNION ALL
SELECT relname || ': the foreign key ' || f.conname || ' can''t be kept within a tenant'
FROM relations JOIN pg_constraint f ON f.conrelid = relations.oid
WHERE f.contype = 'f'
  AND (
    f.confupdtype IN ('n', 'd')
    OR (f.confmatchtype = 'f' AND cardinality(f.conkey) > 1)
    OR f.confrelid NOT IN (SELECT oid FROM relations)
  )
UNION ALL
SELECT p.proname || ': a function that runs with its owner''s rights would reach every tenant''s rows'
FROM pg_proc p
WHERE p.pronamespace = {schema}::regnamespace AND p.prosecdef
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1
