-- What on a server has one of these names already, and whether it has the database of the tenants' schemas.
SELECT
    ARRAY(SELECT 'database ' || datname::text FROM pg_database WHERE datname = {database})
        || ARRAY(SELECT 'role ' || rolname::text FROM pg_roles WHERE rolname = ANY({roles}) ORDER BY rolname),
    EXISTS (SELECT FROM pg_database WHERE datname = {schemas})
