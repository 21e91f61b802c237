-- What is tied to a database, so that it can be neither dropped nor copied with it: prepared transactions, the logical
-- replication slots that others read from, and subscriptions. In a database that others share, what a tenant's roles
-- have prepared. All three are listed in catalogues of the server's.
SELECT 'prepared transaction', gid::text, owner::text, NULL::int
FROM pg_prepared_xacts
WHERE database = %(database)s AND (%(own)s OR owner = ANY(%(roles)s))
UNION ALL
SELECT 'subscription', s.subname::text, pg_get_userbyid(s.subowner)::text, NULL
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE %(own)s AND d.datname = %(database)s
UNION ALL
SELECT 'replication slot', slot_name::text, NULL, active_pid
FROM pg_replication_slots
WHERE %(own)s AND database = %(database)s
ORDER BY 1, 2
