-- Of the transactions that hold a lock on a table of a schema, the one that has been open longest: what it calls itself,
-- the seconds, and whether it is idle.
SELECT
    coalesce(a.application_name, ''),
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
    a.state LIKE 'idle%%'
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.granted
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND n.nspname = %s
    AND l.pid <> pg_catalog.pg_backend_pid()
    AND a.xact_start IS NOT NULL
ORDER BY a.xact_start
LIMIT 1
