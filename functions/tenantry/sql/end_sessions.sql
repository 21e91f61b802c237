-- Ends every session in a database; its owner's and its logins' alike.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {database} AND pid <> pg_backend_pid()
