-- What this administrator may give a role: to read everybody's tables (pg_read_all_data), to pass by row-level security, and
-- to read everybody's large objects. Before PostgreSQL 16, CREATEROLE is enough for the first.
SELECT
    r.rolsuper
        OR pg_has_role(r.oid, 'pg_read_all_data', 'MEMBER WITH ADMIN OPTION')
        OR (r.rolcreaterole AND current_setting('server_version_num')::int < 160000),
    r.rolsuper OR (r.rolcreaterole AND r.rolbypassrls AND current_setting('server_version_num')::int >= 160000),
    has_parameter_privilege('lo_compat_privileges', 'SET')
FROM pg_roles r
WHERE r.rolname = session_user
