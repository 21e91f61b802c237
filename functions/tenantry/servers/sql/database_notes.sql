-- A database's comment (empty: none), and how many sessions it takes at once (-1: as many as the server).
SELECT coalesce(shobj_description(oid, 'pg_database'), ''), datconnlimit FROM pg_database WHERE datname = %s
