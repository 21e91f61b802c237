-- What others than a database's owner may do there: role, right, whether it may give it away. A tenant's logins get
-- theirs when the tenant is let in.
SELECT r.rolname::text, a.privilege_type, a.is_grantable
FROM pg_database d
CROSS JOIN LATERAL aclexplode(d.datacl) a
JOIN pg_roles r ON r.oid = a.grantee
WHERE d.datname = %s
  AND a.grantee <> d.datdba
  AND r.rolname !~ '_login_[ab]$'
  AND r.rolname !~ '_(copy|inspect)$'
ORDER BY 1, 2
