-- Nobody logs in with it any more, and who has is sent away.
ALTER ROLE {login} NOLOGIN;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = {name}
