-- Lists sessions that are starting in a database and are not in pg_stat_activity yet. Until then they hold this lock on
-- the database, under which they check the right to connect and read their settings. And tells the time.
SELECT coalesce(array_agg(DISTINCT l.pid), ARRAY[]::int[]), clock_timestamp()
FROM pg_locks l
JOIN pg_database d ON d.oid = l.objid
WHERE l.locktype = 'object'
  AND l.classid = 'pg_database'::regclass
  AND l.mode = 'RowExclusiveLock'
  AND l.granted
  AND l.pid <> pg_backend_pid()
  AND d.datname = {database}
