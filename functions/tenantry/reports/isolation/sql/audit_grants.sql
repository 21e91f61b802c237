-- What others than its owner may do with schemas, relations and columns of this database ('' is PUBLIC), and what they
-- will be allowed with those that are made later. An extension's own objects hold no rows of a tenant's.
WITH namespaces AS (
    SELECT * FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
), grants AS (
    SELECT 'schema ' || quote_ident(n.nspname) AS object, n.nspname AS schema, n.nspowner AS owner, a.*
    FROM namespaces n, aclexplode(n.nspacl) a
    UNION ALL
    SELECT 'relation ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname), n.nspname, c.relowner, a.*
    FROM pg_class c JOIN namespaces n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
    WHERE NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
    UNION ALL
    SELECT
        'column ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(t.attname),
        n.nspname, c.relowner, a.*
    FROM pg_attribute t
    JOIN pg_class c ON c.oid = t.attrelid
    JOIN namespaces n ON n.oid = c.relnamespace, aclexplode(t.attacl) a
    UNION ALL
    SELECT 'what is made later in ' || coalesce('schema ' || quote_ident(n.nspname), 'every schema'),
        coalesce(n.nspname, ''), f.defaclrole, a.*
    FROM pg_default_acl f LEFT JOIN namespaces n ON n.oid = f.defaclnamespace, aclexplode(f.defaclacl) a
    WHERE f.defaclobjtype IN ('r', 'S', 'n')
)
SELECT DISTINCT object, schema::text, coalesce(r.rolname::text, '')
FROM grants g
LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE g.grantee <> g.owner
ORDER BY 1, 2, 3
