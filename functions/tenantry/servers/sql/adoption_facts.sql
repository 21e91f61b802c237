-- Decides whether a database can become a tenant's; to be run in that database. No row if the user is unknown.
-- A user who owns objects elsewhere too serves others: REASSIGN OWNED would take whole databases from them.
SELECT
    coalesce(current_setting('tenantry.tenant_id', true), ''),
    d.datistemplate OR d.datname = 'postgres',
    to_regnamespace({schema}) IS NOT NULL,
    r.rolsuper
        OR (current_setting('server_version_num')::int < 160000 AND NOT r.rolinherit)
        OR EXISTS (
            SELECT FROM pg_shdepend s
            WHERE s.refclassid = 'pg_authid'::regclass
              AND s.refobjid = r.oid
              AND s.deptype = 'o'
              AND s.dbid <> d.oid
              AND NOT (s.classid = 'pg_database'::regclass AND s.objid = d.oid)
        ),
    -- The user has to own something here or have a right by name: that PUBLIC may connect does not show that the database
    -- is the user's.
    pg_has_role(r.oid, d.datdba, 'MEMBER') OR EXISTS (
        SELECT FROM pg_shdepend s
        WHERE s.refclassid = 'pg_authid'::regclass
          AND (s.dbid = d.oid OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid))
          AND pg_has_role(r.oid, s.refobjid, 'MEMBER')
    ),
    -- Event triggers whose functions would run with our rights, at one of our statements or at our login.
    ARRAY(
        SELECT e.evtname::text
        FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_roles o ON o.oid = p.proowner
        WHERE e.evtenabled <> 'D' AND NOT o.rolsuper
        ORDER BY 1
    )
FROM pg_database d, pg_roles r
WHERE d.datname = current_database() AND r.rolname = {user}
