-- Ends the given logins' sessions that have been idle for more than a second. A session that was busy a moment ago may be
-- busy again before the signal arrives, so it stays; it gets the new limits when its client connects again.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE usename = ANY({logins}::text[])
  AND state = 'idle'
  AND state_change < clock_timestamp() - interval '1 second'
