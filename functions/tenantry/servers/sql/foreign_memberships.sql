-- Memberships that we did not grant: of the tenant's roles in other roles, of the tenant's roles in each other except those
-- of the logins, and of other tenants' roles in the tenant's. Other members of the tenant's roles are up to the server's
-- administrator.
SELECT m.rolname::text, g.rolname::text, pg_get_userbyid(a.grantor)::text
FROM pg_auth_members a
JOIN pg_roles m ON m.oid = a.member
JOIN pg_roles g ON g.oid = a.roleid
WHERE (
    m.rolname = ANY({roles})
    AND NOT g.rolname = ANY({pool})
    AND NOT (m.rolname = ANY({logins}) AND g.rolname = ANY({groups}))
) OR (
    g.rolname = ANY({roles})
    AND starts_with(shobj_description(m.oid, 'pg_authid'), 'tenantry tenant=')
    AND NOT shobj_description(m.oid, 'pg_authid') LIKE ANY({marks})
)
