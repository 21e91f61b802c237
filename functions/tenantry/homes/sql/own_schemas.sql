-- Which of these schemas are there, and not an extension's.
SELECT nspname::text
FROM pg_namespace
WHERE nspname::text = ANY(%s)
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = pg_namespace.oid AND d.deptype = 'e'
  )
