-- Who but its owner has a right to a schema or to something in it: the kind and the quoted name of each thing, and the
-- roles; an empty name is PUBLIC. That everybody may call a function is PostgreSQL's own default, and is left.
WITH things AS (
    SELECT 'SCHEMA' AS kind, quote_ident(n.nspname) AS name, n.nspowner AS owner, n.nspacl AS acl
    FROM pg_namespace n WHERE n.nspname = %(schema)s
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('%%I.%%I', n.nspname, c.relname),
           c.relowner, c.relacl
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'ROUTINE', format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
           p.proowner, p.proacl
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = %(schema)s
)
SELECT t.kind, t.name, array_agg(DISTINCT coalesce(r.rolname::text, '')) AS roles
FROM things t
CROSS JOIN LATERAL aclexplode(t.acl) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> t.owner AND NOT (t.kind = 'ROUTINE' AND a.grantee = 0)
GROUP BY t.kind, t.name
ORDER BY 1, 2
