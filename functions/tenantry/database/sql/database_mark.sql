-- Whether a database has the server's mark, or was made by a call that was cut before it marked it.
SELECT shobj_description(oid, 'pg_database') IS NOT DISTINCT FROM %s OR datconnlimit = %s
FROM pg_database
WHERE datname = %s
