-- Ends whom the administrator, or the login that fills a home, waits for in a database: sessions of tenants whose
-- transactions are older than that. One that is only ahead of us in the queue, and has just come, goes on.
-- Tenants' are roles that are marked, and whoever works in a database of a tenant's own; logins from before there were marks
-- go by their names, where tenants share a database. An administrator or another product of the server's goes on.
-- Found first and ended then: as a condition, the end would come to whoever it is tried on.
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
