-- Whether a tenant's roles were made by us before there were marks. Two facts show it: the tenant id in the settings of a
-- database or a login, which only an administrator can make, and two logins that are members of the same three roles, which
-- only we grant. The database's owner shows nothing, because an adopted database may have another one.
SELECT
    EXISTS (
        SELECT
        FROM pg_db_role_setting s
        LEFT JOIN pg_roles r ON r.oid = s.setrole
        WHERE {setting} = ANY(s.setconfig)
          AND (s.setrole = 0 OR r.rolname = ANY({logins}))
    )
    AND (
        SELECT count(DISTINCT (m.rolname, g.rolname)) = cardinality({logins}) * cardinality({groups})
        FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
        WHERE m.rolname = ANY({logins}) AND g.rolname = ANY({groups})
    )
