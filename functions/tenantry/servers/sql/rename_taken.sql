-- The objects on a server that already have one of these names, and whether the server has the database of tenants' schemas.
SELECT
    ARRAY(SELECT 'database ' || datname::text FROM pg_database WHERE datname = {database})
        || ARRAY(SELECT 'role ' || rolname::text FROM pg_roles WHERE rolname = ANY({roles}) ORDER BY rolname),
    EXISTS (SELECT FROM pg_database WHERE datname = {schemas})
