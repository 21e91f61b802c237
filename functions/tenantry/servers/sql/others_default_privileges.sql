-- The default privileges, by schema of this database, of roles other than the given ones.
SELECT r.rolname::text, n.nspname::text, d.defaclobjtype::text, a.privilege_type, g.rolname::text, a.is_grantable
FROM pg_default_acl d
JOIN pg_roles r ON r.oid = d.defaclrole
JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) a
JOIN pg_roles g ON g.oid = a.grantee
WHERE r.rolname <> ALL(%s)
ORDER BY 1, 2, 3, 4, 5
