-- Ends the sessions of some logins in a database, or where none are named everybody's whom the administrator may end.
-- One that began later has the settings and the rights that hold now; who connects again and again would never be gone.
SELECT pg_terminate_backend(pid, 5000)
FROM pg_stat_activity
WHERE datname = {database}
  AND pid <> pg_backend_pid()
  AND backend_start <= {since}
  AND pg_has_role(usesysid, 'USAGE')
  AND (cardinality({logins}::text[]) = 0 OR usename = ANY({logins}::text[]))
