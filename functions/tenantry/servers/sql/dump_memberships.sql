-- What these logins are members of, and who made them so.
SELECT m.rolname::text, g.rolname::text, pg_get_userbyid(a.grantor)::text
FROM pg_auth_members a
JOIN pg_roles m ON m.oid = a.member
JOIN pg_roles g ON g.oid = a.roleid
WHERE m.rolname = ANY(%s)
