-- The tables and views of a schema that tenants share: name, whether it is a view, whether it has its policy for tenants.
SELECT
    c.relname::text,
    c.relkind = 'v',
    EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenantry_tenant')
FROM pg_class c
WHERE c.relnamespace = {schema}::regnamespace
  AND c.relkind IN ('r', 'v')
  AND c.oid IS DISTINCT FROM to_regclass({version_table})
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
