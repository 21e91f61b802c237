-- The schemas of a database that tenants share by schema, except those that every database has.
SELECT nspname::text
FROM pg_namespace
WHERE nspname !~ '^(pg_|information_schema$|public$)'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = pg_namespace.oid AND d.deptype = 'e'
  )
ORDER BY 1
