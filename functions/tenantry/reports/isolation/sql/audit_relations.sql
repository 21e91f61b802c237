-- Everything in this database that holds or shows rows, but PostgreSQL's own and what belongs to an extension.
SELECT
    n.nspname::text,
    c.relname::text,
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
    ),
    'relation ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
ORDER BY 1, 2
