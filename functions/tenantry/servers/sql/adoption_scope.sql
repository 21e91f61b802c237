-- The database's schemas other than the system's, and the roles with a right or a session in it. Those may depend on
-- the rights of PUBLIC, so they get the rights by name before PUBLIC loses them.
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
        ORDER BY 1
    )
