-- What of a schema the login for dumps was given itself: by whom, its kind and its name.
-- Run this with only pg_catalog in search_path.
SELECT DISTINCT m.rolname::text, x.kind, x.name
FROM (
    SELECT 'SCHEMA' AS kind, NULL::text AS name, n.nspowner AS owner, n.nspacl AS acl
    FROM pg_namespace n WHERE n.nspname = %(schema)s
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname::text, c.relowner, c.relacl
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'S')
) x
JOIN pg_roles m ON m.oid = x.owner
JOIN pg_roles l ON l.rolname = %(login)s
CROSS JOIN aclexplode(x.acl) a
WHERE a.grantee = l.oid AND a.grantor = x.owner AND pg_has_role(session_user, m.oid, 'MEMBER')
ORDER BY 2 DESC
