-- What lies in a home and is a tenant's, and a role may not read whole: the owner, say, that has taken the right from itself or
-- that policies bind too, as another of the tenant's roles owns it. A table's own rights count for nothing in a schema that is closed to it.
-- Run this with only pg_catalog in search_path.
WITH whose AS MATERIALIZED (SELECT oid, rolbypassrls FROM pg_roles WHERE rolname = %(role)s),
makers AS MATERIALIZED (SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s)),
spaces AS MATERIALIZED (
    SELECT n.oid, n.nspname, has_schema_privilege(whose.oid, n.oid, 'USAGE') AS usable
    FROM pg_namespace n, whose
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
)
SELECT format('%%I.%%I', s.nspname, c.relname)
FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace JOIN makers m ON m.oid = c.relowner, whose
WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
  AND (
    NOT s.usable
    OR CASE c.relkind
       WHEN 'S' THEN NOT has_sequence_privilege(whose.oid, c.oid, 'SELECT')
       ELSE NOT has_table_privilege(whose.oid, c.oid, 'SELECT') OR c.relrowsecurity AND NOT whose.rolbypassrls
            AND (c.relforcerowsecurity OR c.relowner <> whose.oid)
       END
  )
UNION ALL
SELECT format('large object %%s', l.oid)
FROM pg_largeobject_metadata l JOIN makers m ON m.oid = l.lomowner, whose
WHERE %(schema)s::text IS NULL
  AND NOT EXISTS (
      SELECT FROM aclexplode(coalesce(l.lomacl, acldefault('L', l.lomowner))) a
      WHERE a.grantee IN (0, whose.oid) AND a.privilege_type = 'SELECT'
  )
ORDER BY 1
LIMIT %(most)s
