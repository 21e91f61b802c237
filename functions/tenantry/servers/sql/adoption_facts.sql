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
    -- Who may log in because anybody may has shown nothing: it owns nothing here, and was given nothing by name.
    pg_has_role(r.oid, d.datdba, 'MEMBER') OR EXISTS (
        SELECT FROM pg_shdepend s
        WHERE s.refclassid = 'pg_authid'::regclass
          AND (s.dbid = d.oid OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid))
          AND pg_has_role(r.oid, s.refobjid, 'MEMBER')
    ),
    -- What it runs at a statement of ours, or at our login, would run with our rights.
    ARRAY(
        SELECT e.evtname::text
        FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_roles o ON o.oid = p.proowner
        WHERE e.evtenabled <> 'D' AND NOT o.rolsuper
        ORDER BY 1
    )
FROM pg_database d, pg_roles r
WHERE d.datname = current_database() AND r.rolname = {user}
