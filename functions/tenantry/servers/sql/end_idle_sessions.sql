-- Ends the sessions of some logins that nobody is about to use: one that was busy a moment ago may be again before the
-- signal arrives. Those take the new limits when they connect anew.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE usename = ANY({logins}::text[])
  AND state = 'idle'
  AND state_change < clock_timestamp() - interval '1 second'
