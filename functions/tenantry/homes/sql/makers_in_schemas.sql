-- The roles with default privileges in the given schemas that give rights to any of the given grantees.
SELECT DISTINCT r.rolname::text
FROM pg_default_acl d
JOIN pg_namespace n ON n.oid = d.defaclnamespace
JOIN pg_roles r ON r.oid = d.defaclrole
CROSS JOIN LATERAL aclexplode(d.defaclacl) a
JOIN pg_roles g ON g.oid = a.grantee
WHERE n.nspname::text = ANY(%s) AND g.rolname::text = ANY(%s)
ORDER BY 1
