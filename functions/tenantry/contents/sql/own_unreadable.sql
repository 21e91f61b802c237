-- What this role can't read of what roles own that this session may become: who may grant it to whom, of which kind, and its
-- name. Schemas come first; whoever grants something in one has to be let into it, too.
WITH mine AS MATERIALIZED (
    SELECT oid, rolname FROM pg_catalog.pg_roles
    WHERE pg_catalog.pg_has_role(SESSION_USER, oid, 'MEMBER') AND rolname OPERATOR(pg_catalog.<>) SESSION_USER
),
reader AS MATERIALIZED (SELECT oid, rolname FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER),
relations AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind, c.relnamespace, m.rolname, m.oid AS maker
    FROM pg_catalog.pg_class c JOIN mine m ON m.oid OPERATOR(pg_catalog.=) c.relowner
    WHERE c.relkind IN ('r', 'p', 'S')
)
SELECT m.rolname::text, w.rolname::text, 'SCHEMA', NULL::text, n.nspname::text
FROM pg_catalog.pg_namespace n
JOIN mine m ON m.oid OPERATOR(pg_catalog.=) n.nspowner
JOIN mine w ON NOT pg_catalog.has_schema_privilege(w.oid, n.oid, 'USAGE')
WHERE w.oid OPERATOR(pg_catalog.=) (SELECT oid FROM reader)
   OR EXISTS (
       SELECT FROM relations c
       WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.maker OPERATOR(pg_catalog.=) w.oid
   )
UNION ALL
SELECT c.rolname::text, reader.rolname::text, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
       n.nspname::text, c.relname::text
FROM relations c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace, reader
WHERE NOT CASE c.relkind
      WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
      ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT')
      END
UNION ALL
SELECT m.rolname::text, reader.rolname::text, 'LARGE OBJECT', NULL::text, l.oid::text
FROM pg_catalog.pg_largeobject_metadata l JOIN mine m ON m.oid OPERATOR(pg_catalog.=) l.lomowner, reader
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.aclexplode(coalesce(l.lomacl, pg_catalog.acldefault('L', l.lomowner))) a
    WHERE a.grantee OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, reader.oid])
      AND a.privilege_type OPERATOR(pg_catalog.=) 'SELECT'
)
