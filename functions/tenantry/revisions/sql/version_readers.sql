-- The roles other than the owner that have rights to the table in which Alembic keeps the revision; PUBLIC is an empty name.
SELECT DISTINCT CASE g.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(g.grantee) END
FROM pg_class c, aclexplode(c.relacl) g
WHERE c.oid = to_regclass(%s) AND g.grantee <> c.relowner
