-- The database's schemas other than the system's, and the roles with a right or a session in it. These roles may depend
-- on the rights of PUBLIC, so they get the rights by name before PUBLIC loses them. Other tenants' roles are left out:
-- the rights of PUBLIC are what let them in, and they are to lose these. Other tenants' logins from before there were marks
-- are recognised by their memberships in all three roles of a tenant, which only we grant.
SELECT
    ARRAY(
        SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1
    ),
    ARRAY(
        SELECT rolname::text
        FROM pg_roles
        WHERE oid IN (
            SELECT s.refobjid
            FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
            WHERE s.refclassid = 'pg_authid'::regclass AND d.datname = current_database()
            UNION
            SELECT usesysid FROM pg_stat_activity WHERE datname = current_database()
        )
        AND NOT (
            coalesce(shobj_description(oid, 'pg_authid'), '') LIKE 'tenantry tenant=%'
            AND NOT shobj_description(oid, 'pg_authid') LIKE ANY({marks})
        )
        AND NOT EXISTS (
            SELECT
            FROM regexp_match(rolname, '^(.+)_login_[ab]$') whose
            JOIN pg_roles g ON g.rolname IN (whose[1] || '_owner', whose[1] || '_editor', whose[1] || '_viewer')
            JOIN pg_auth_members a ON a.roleid = g.oid
            WHERE a.member = pg_roles.oid AND whose[1] <> {tenant}
            HAVING count(DISTINCT g.oid) = 3
        )
        ORDER BY 1
    )
