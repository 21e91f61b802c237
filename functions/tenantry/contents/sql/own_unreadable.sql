-- What this role owns and has no right to read, having taken that from itself: schemas first, then tables, sequences
-- and large objects.
SELECT 'SCHEMA', NULL::text, n.nspname::text
FROM pg_catalog.pg_namespace n
WHERE pg_catalog.pg_has_role(n.nspowner, 'USAGE') AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
UNION ALL
SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S')
  AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
  AND NOT CASE c.relkind
      WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
      ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT')
      END
UNION ALL
SELECT 'LARGE OBJECT', NULL::text, l.oid::text
FROM pg_catalog.pg_largeobject_metadata l
WHERE l.lomacl IS NOT NULL
  AND pg_catalog.pg_has_role(l.lomowner, 'USAGE')
  AND NOT EXISTS (
      SELECT FROM pg_catalog.aclexplode(l.lomacl) a
      WHERE a.grantee OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, l.lomowner])
        AND a.privilege_type OPERATOR(pg_catalog.=) 'SELECT'
  )
