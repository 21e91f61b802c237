-- Of the transactions that hold a lock on a table of a schema, the one that has been open longest: what it calls itself,
-- the seconds, whether it is idle, and whether it is prepared: such a one has no session, and a name instead.
SELECT
    coalesce(p.gid, a.application_name, ''),
    extract(epoch FROM clock_timestamp() - coalesce(p.prepared, a.xact_start))::float8,
    p.gid IS NOT NULL OR a.state LIKE 'idle%%',
    p.gid IS NOT NULL
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
-- How a prepared transaction is numbered among the virtual ones depends on the version: its lock on itself tells which it is.
LEFT JOIN pg_catalog.pg_locks self
    ON l.pid IS NULL AND self.pid IS NULL AND self.locktype = 'transactionid' AND self.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = self.transactionid
WHERE l.granted
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND n.nspname = %s
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND coalesce(p.prepared, a.xact_start) IS NOT NULL
ORDER BY coalesce(p.prepared, a.xact_start)
LIMIT 1
