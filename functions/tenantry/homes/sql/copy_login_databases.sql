-- The databases in which a login may have rights or sessions: the given ones, and those where it has a grant. No row: there
-- is no such login.
SELECT ARRAY(
    SELECT d.datname::text
    FROM pg_database d
    WHERE d.datname = ANY(wanted.databases) OR EXISTS (SELECT FROM aclexplode(d.datacl) a WHERE a.grantee = r.oid)
)
FROM pg_roles r, (SELECT %s AS login, %s::text[] AS databases) wanted
WHERE r.rolname = wanted.login
