-- The rights in a database of roles other than its owner: role, right, whether it may grant the right. A tenant's
-- logins are left out: they get their rights when the tenant is let in.
SELECT r.rolname::text, a.privilege_type, a.is_grantable
FROM pg_database d
CROSS JOIN LATERAL aclexplode(d.datacl) a
JOIN pg_roles r ON r.oid = a.grantee
WHERE d.datname = %s
  AND a.grantee <> d.datdba
  AND r.rolname !~ '_login_[ab]$'
  AND r.rolname !~ '_(copy|inspect)$'
  AND NOT (
      r.rolname ~ '_(dump|count)$' AND starts_with(coalesce(shobj_description(r.oid, 'pg_authid'), ''), 'tenantry tenant=')
  )
ORDER BY 1, 2
