-- How many sessions a server allows, how many of these are reserved for administrators, and how many each role has now.
SELECT
    current_setting('max_connections')::int,
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true)::int, 0),
    coalesce((
        SELECT jsonb_object_agg(usename, sessions)
        FROM (
            SELECT usename, count(*) AS sessions
            FROM pg_stat_activity
            -- An administrator who is not a superuser can't see the backend_type of other roles' sessions, only usename.
            WHERE usename IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
              AND pid <> pg_backend_pid()
            GROUP BY usename
        ) held
    ), '{}')
