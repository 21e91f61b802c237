-- Ends sessions in a database: those of the given logins or, if none are given, all that the administrator may end.
-- Sessions that began later are left out: they have the present settings and rights, and with a client that keeps
-- reconnecting, ending sessions would never finish.
SELECT pg_terminate_backend(pid, 5000)
FROM pg_stat_activity
WHERE datname = {database}
  AND pid <> pg_backend_pid()
  AND backend_start <= {since}
  AND pg_has_role(usesysid, 'USAGE')
  AND (cardinality({logins}::text[]) = 0 OR usename = ANY({logins}::text[]))
