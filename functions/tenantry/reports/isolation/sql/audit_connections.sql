-- The places for sessions on a server, how many of them are kept for administrators, and who holds how many now.
SELECT
    current_setting('max_connections')::int,
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true)::int, 0),
    coalesce((
        SELECT jsonb_object_agg(usename, sessions)
        FROM (
            SELECT usename, count(*) AS sessions
            FROM pg_stat_activity
            -- Others' kinds of session are hidden from an administrator who is no superuser; their names are not.
            WHERE usename IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
              AND pid <> pg_backend_pid()
            GROUP BY usename
        ) held
    ), '{}')
