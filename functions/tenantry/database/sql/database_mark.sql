-- Whether a database has the server's mark, or was made by a call that was interrupted before it marked the database. A
-- database's owner can write both itself, so the owner has to be an administrator: only administrators mark roles.
SELECT (o.rolsuper OR o.rolcreaterole)
    AND (shobj_description(d.oid, 'pg_database') IS NOT DISTINCT FROM %s OR d.datconnlimit = %s)
FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba
WHERE d.datname = %s
