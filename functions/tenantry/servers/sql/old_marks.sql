-- Roles that were made before there were marks: whose a database or a login is was always set by an administrator only,
-- and nobody but us makes two logins members of the same three roles. An adopted database may belong to somebody else.
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
