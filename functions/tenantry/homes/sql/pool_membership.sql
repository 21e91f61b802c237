-- Whether a tenant's roles are members of the groups that hold the rights to shared tables.
SELECT EXISTS (
    SELECT FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
    WHERE m.rolname = ANY(%s) AND g.rolname = ANY(%s)
)
