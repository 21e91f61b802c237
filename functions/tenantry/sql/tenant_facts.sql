-- What there is of a tenant on its server, before it is erased: the database's size and the roles that are ours.
SELECT
    (SELECT pg_database_size(oid) FROM pg_database WHERE datname = {database}),
    ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY({roles}) ORDER BY rolname)
