-- From now on nobody can log in with it; sessions that are open are ended.
ALTER ROLE {login} NOLOGIN;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = {name}
