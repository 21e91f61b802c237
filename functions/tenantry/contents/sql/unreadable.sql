-- The tables and sequences that this role can't read whole: others own them and have given it no right, or policies hide rows
-- from it.
SELECT n.nspname::text, c.relname::text, c.oid::bigint, c.relkind = 'S'
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'S')
  AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_'
  AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
  AND (
    NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    OR CASE c.relkind
       WHEN 'S' THEN NOT pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
       ELSE NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.row_security_active(c.oid)
       END
  )
ORDER BY 1, 2
