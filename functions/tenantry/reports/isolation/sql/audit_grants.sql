-- The grants on schemas, relations and columns of this database to roles other than the owner ('' is PUBLIC), and the
-- default privileges for later ones. Relations of extensions are left out, because they hold no rows of a tenant. Grants of
-- one kind to one role in one schema are counted, and only some are named, because there may be any number. The number of
-- such groups is limited for each tenant, and in a shared database for each schema.
WITH namespaces AS (
    SELECT * FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
), grants AS (
    SELECT 1 AS kind, 'schema ' || quote_ident(n.nspname) AS object, n.nspname AS schema, n.nspowner AS owner, a.grantee
    FROM namespaces n, aclexplode(n.nspacl) a
    UNION ALL
    SELECT 2, 'relation ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname), n.nspname, c.relowner, a.grantee
    FROM pg_class c JOIN namespaces n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
    WHERE NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
    UNION ALL
    SELECT
        3,
        'column ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(t.attname),
        n.nspname, c.relowner, a.grantee
    FROM pg_attribute t
    JOIN pg_class c ON c.oid = t.attrelid
    JOIN namespaces n ON n.oid = c.relnamespace, aclexplode(t.attacl) a
    UNION ALL
    SELECT 4, 'what is made later in ' || coalesce('schema ' || quote_ident(n.nspname), 'every schema'),
        coalesce(n.nspname, ''), f.defaclrole, a.grantee
    FROM pg_default_acl f LEFT JOIN namespaces n ON n.oid = f.defaclnamespace, aclexplode(f.defaclacl) a
    WHERE f.defaclobjtype IN ('r', 'S', 'n')
), distinct_grants AS (
    SELECT DISTINCT g.kind, g.object, g.schema, coalesce(r.rolname, '') AS grantee
    FROM grants g
    LEFT JOIN pg_roles r ON r.oid = g.grantee
    -- A tenant decides itself what its own roles may do in its own database.
    WHERE g.grantee <> g.owner AND (%(own)s = '' OR NOT starts_with(coalesce(r.rolname, ''), %(own)s || '_'))
), counted AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY schema, grantee, kind) AS number,
        row_number() OVER (PARTITION BY schema, grantee, kind ORDER BY object) AS place,
        dense_rank() OVER (PARTITION BY CASE WHEN %(shared)s THEN schema END ORDER BY grantee, schema, kind) AS rank
    FROM distinct_grants
)
SELECT object, schema::text, grantee::text, kind, number, rank > %(most)s
FROM counted
WHERE place <= %(examples)s AND rank <= %(most)s + 1
ORDER BY schema, grantee, kind, place
