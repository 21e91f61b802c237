-- Those of the given schemas that exist and do not belong to an extension.
SELECT nspname::text
FROM pg_namespace
WHERE nspname::text = ANY(%s)
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = pg_namespace.oid AND d.deptype = 'e'
  )
