-- The revision that shared tables are at. Tenants may not read the table that keeps it, so its comment says it.
SET LOCAL search_path = pg_catalog, pg_temp;
SELECT (
    SELECT obj_description(c.oid, 'pg_class')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s
)
