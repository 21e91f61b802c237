-- Ends the tenants' sessions that block the administrator, or the login that fills a home, in a database, if their
-- transactions are older than the given age. A session that is only ahead of us in the queue, and new, goes on.
-- A session is a tenant's if its role is marked or it works in a tenant's own database. In a database that tenants share,
-- logins from before there were marks are recognised by their names. Administrators and other products on the server go on.
-- The sessions are first found and then ended: as a condition, pg_terminate_backend would end every session tested with it.
WITH waiting AS MATERIALIZED (
    SELECT unnest(pg_blocking_pids(a.pid)) AS pid
    FROM pg_stat_activity a
    WHERE a.datname = %(database)s
      AND a.wait_event_type = 'Lock'
      AND (a.usename = session_user OR a.usename ~ '_copy$')
), blocking AS MATERIALIZED (
    SELECT b.pid, b.usename::text AS role
    FROM pg_stat_activity b
    JOIN pg_roles r ON r.oid = b.usesysid
    JOIN pg_database d ON d.oid = b.datid
    WHERE b.pid IN (SELECT pid FROM waiting)
      AND b.usename <> session_user
      AND NOT r.rolsuper
      AND (
        starts_with(shobj_description(b.usesysid, 'pg_authid'), 'tenantry tenant=')
        OR starts_with(shobj_description(d.datdba, 'pg_authid'), 'tenantry tenant=')
        OR EXISTS (
          SELECT FROM pg_db_role_setting s, unnest(s.setconfig) c
          WHERE s.setdatabase = d.oid AND s.setrole = 0 AND starts_with(c, 'tenantry.tenant_id=')
        )
        OR (b.datname = ANY(%(shared)s) AND b.usename ~ '_login_[ab]$')
      )
      AND pg_has_role(b.usesysid, 'USAGE')
      AND b.xact_start < clock_timestamp() - make_interval(secs => %(age)s)
)
SELECT role FROM (SELECT role, pg_terminate_backend(pid) AS ended FROM blocking OFFSET 0) b WHERE ended
