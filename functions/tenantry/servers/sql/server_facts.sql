-- The facts that decide whether tenants can live on a server, as its administrator sees them.
SELECT
    current_setting('server_version'),
    current_setting('server_version_num')::int,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
    (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'),
    extract(epoch FROM clock_timestamp())::float8,
    (
        -- The right to set this parameter lets the administrator record which tenant a database belongs to.
        SELECT rolsuper
            OR (rolcreaterole AND rolcreatedb AND has_parameter_privilege('tenantry.tenant_id', 'SET'))
        FROM pg_roles WHERE rolname = session_user
    )
