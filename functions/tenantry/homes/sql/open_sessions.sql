-- Counts the sessions that end_sessions has to end.
SELECT count(*)
FROM pg_stat_activity
WHERE datname = {database}
  AND pid <> pg_backend_pid()
  AND backend_start <= {since}
  AND pg_has_role(usesysid, 'USAGE')
  AND cardinality({logins}::text[]) > 0
  AND usename = ANY({logins}::text[])
