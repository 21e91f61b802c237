-- The databases in which a login may have rights or sessions: the given ones, and those where it has a grant.
SELECT d.datname::text
FROM pg_database d
WHERE d.datname = ANY(%s)
   OR EXISTS (SELECT FROM aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname = %s)
