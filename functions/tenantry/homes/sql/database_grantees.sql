-- The roles that have been granted rights on a database, except its owner.
SELECT DISTINCT r.rolname::text
FROM pg_database d
CROSS JOIN LATERAL aclexplode(d.datacl) a
JOIN pg_roles r ON r.oid = a.grantee
WHERE d.datname = %s AND a.grantee <> d.datdba
