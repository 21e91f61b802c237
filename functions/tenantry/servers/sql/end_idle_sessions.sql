-- Ends sessions of some logins that nobody is about to use. A session that was busy a moment ago may be busy again
-- before the signal arrives, so it stays. Its client takes the new limits when it connects again.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE usename = ANY({logins}::text[])
  AND state = 'idle'
  AND state_change < clock_timestamp() - interval '1 second'
