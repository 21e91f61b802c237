-- Cancels what a session does if it waits for a lock, and has waited for longer than some seconds: whether it did.
SELECT pg_catalog.pg_cancel_backend(l.pid)
FROM pg_catalog.pg_locks l
WHERE l.pid = %s
    AND NOT l.granted
    AND l.waitstart < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %s)
