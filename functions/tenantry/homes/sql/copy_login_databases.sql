-- The databases of a server in which a login may have rights or sessions: those that are named, and where it has a grant.
SELECT d.datname::text
FROM pg_database d
WHERE d.datname = ANY(%s)
   OR EXISTS (SELECT FROM aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname = %s)
