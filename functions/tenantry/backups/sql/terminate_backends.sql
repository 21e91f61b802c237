-- Terminates the sessions of a killed pg_dump, which would hold their locks until they notice that it is gone.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE application_name = %s AND usename = session_user AND datname = current_database() AND pid <> pg_backend_pid()
