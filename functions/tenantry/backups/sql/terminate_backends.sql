-- Ends sessions of a pg_dump that is gone, which would hold its locks until they notice.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE application_name = %s AND usename = session_user AND datname = current_database() AND pid <> pg_backend_pid()
