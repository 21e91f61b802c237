-- Disables an inspector's login and ends its open sessions.
ALTER ROLE {login} NOLOGIN;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = {name}
