-- Whether an administrator owns the database, PUBLIC may not connect to it, and everything in it belongs to the pool's role
-- or to an extension.
SELECT EXISTS (
        SELECT FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba
        WHERE d.datname = current_database() AND (o.rolsuper OR o.rolcreaterole)
    )
    AND NOT has_database_privilege('public', current_database(), 'CONNECT')
    AND NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND pg_get_userbyid(c.relowner) <> {pool}
          AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i')
          )
    )
    AND NOT EXISTS (
        SELECT FROM pg_namespace n
        WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public', 'tenantry')
    )
