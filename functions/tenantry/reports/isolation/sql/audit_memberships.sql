-- Who is a member of which role, and whether the rights come without becoming it. PostgreSQL 15 has no option of the
-- membership's own: there the member's attribute decides.
SELECT
    m.rolname::text,
    r.rolname::text,
    coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, m.rolinherit)
FROM pg_auth_members a
JOIN pg_roles m ON m.oid = a.member
JOIN pg_roles r ON r.oid = a.roleid
WHERE m.rolname <> session_user
ORDER BY 1, 2
