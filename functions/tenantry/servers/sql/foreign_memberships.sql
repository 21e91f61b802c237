-- Memberships of a tenant's roles that we have not made: in a role of somebody else's, in one another beyond what a
-- login may become, and another tenant's in them. Who else is a member of them is the server's business.
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
