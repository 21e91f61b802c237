-- The members of each role, and whether they inherit its rights without SET ROLE. In PostgreSQL 15, a membership has no
-- inherit option of its own: the member's INHERIT attribute decides.
SELECT
    m.rolname::text,
    r.rolname::text,
    coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, m.rolinherit)
FROM pg_auth_members a
JOIN pg_roles m ON m.oid = a.member
JOIN pg_roles r ON r.oid = a.roleid
WHERE m.rolname <> session_user
ORDER BY 1, 2
