-- Every relation in this database that holds or shows rows, except those of PostgreSQL and of extensions. Their number is
-- limited for each tenant, and in a shared database for each schema. One column tells whether roles other than the owner
-- have rights to the relation.
WITH found AS (
    SELECT
        c.oid,
        n.nspname,
        c.relname,
        row_number() OVER (PARTITION BY CASE WHEN %(shared)s THEN n.oid END ORDER BY n.nspname, c.relname) AS place
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema'
      AND n.nspname !~ '^pg_'
      AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
)
SELECT
    f.nspname::text,
    f.relname::text,
    c.relkind::text,
    c.relrowsecurity,
    c.relforcerowsecurity,
    pg_get_userbyid(c.relowner)::text,
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped),
    ARRAY(
        SELECT i.relname::text
        FROM pg_index x
        JOIN pg_class i ON i.oid = x.indexrelid
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] AND a.attnum > 0
        WHERE x.indrelid = c.oid AND a.attname IS DISTINCT FROM 'tenant_id'
        ORDER BY 1
        LIMIT 20
    ),
    EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner),
    f.place > %(most)s
FROM found f
JOIN pg_class c ON c.oid = f.oid
WHERE f.place <= %(most)s + 1
ORDER BY 1, 2
