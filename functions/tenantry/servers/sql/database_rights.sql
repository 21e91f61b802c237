-- The rights in a database of roles that do not own its copy, and of everybody (an empty name): role, right, whether it may
-- grant the right. So an owner that
-- shared an adopted database with others keeps its rights in a copy that is the tenant's. A tenant's logins are left out:
-- they get their rights when the tenant is let in.
SELECT coalesce(r.rolname, '')::text, a.privilege_type, a.is_grantable OR a.grantee = d.datdba
FROM pg_database d
JOIN pg_database copy ON copy.datname = %s
CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE d.datname = %s
  AND a.grantee <> copy.datdba
  AND (a.grantee = 0 OR r.oid IS NOT NULL)
  AND coalesce(r.rolname, '') !~ '_login_[ab]$'
  AND coalesce(r.rolname, '') !~ '_(copy|inspect)$'
  AND NOT (
      coalesce(r.rolname, '') ~ '_(dump|count)$' AND starts_with(coalesce(shobj_description(r.oid, 'pg_authid'), ''), 'tenantry tenant=')
  )
ORDER BY 1, 2
