-- Rights to the database itself; the grantee PUBLIC is an empty name.
SELECT coalesce(r.rolname, '')::text, a.privilege_type::text, a.is_grantable
FROM pg_database d
CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE d.datname = current_database()
  AND (r.rolname = ANY(%(roles)s) OR %(own)s AND (a.grantee = 0 OR r.oid IS NOT NULL))
ORDER BY 1, 2
