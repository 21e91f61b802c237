-- What of a schema the login for dumps may not read, and somebody owns whom this session may become: who that is, its kind and
-- its name. A table's own rights count for nothing as long as the schema is closed; that comes first.
-- Run this with only pg_catalog in search_path.
SELECT m.rolname::text, 'SCHEMA', NULL::text
FROM pg_namespace n JOIN pg_roles m ON m.oid = n.nspowner
WHERE n.nspname = %(schema)s AND pg_has_role(session_user, m.oid, 'MEMBER')
  AND NOT has_schema_privilege(%(login)s, n.oid, 'USAGE')
UNION ALL
SELECT m.rolname::text, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles m ON m.oid = c.relowner
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'S') AND pg_has_role(session_user, m.oid, 'MEMBER')
  AND NOT CASE c.relkind
      WHEN 'S' THEN has_sequence_privilege(%(login)s, c.oid, 'SELECT')
      ELSE has_table_privilege(%(login)s, c.oid, 'SELECT')
      END
