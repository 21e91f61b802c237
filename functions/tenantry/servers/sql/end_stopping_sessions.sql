-- Ends the tenants' sessions that stop others, and returns their database, their role and the reason. The sessions are first
-- found and then ended: as a condition, pg_terminate_backend would end every session tested with it.
-- A session is a tenant's if its role is marked or it works in a tenant's own database (as the application of an adopted
-- database does). In a database that tenants share, logins from before there were marks are recognised by their names. We
-- never end the sessions of others on the server: its administrators and other products.
-- A session whose application_name says that it is ours may keep a snapshot for as long as our functions can run, if it
-- blocks nobody.
WITH limits AS (
    SELECT make_interval(secs => %(patience)s) AS patience, %(shared)s::text[] AS shared
), sessions AS MATERIALIZED (
    SELECT
        a.pid,
        a.datname::text AS database,
        a.usename::text AS role,
        a.state LIKE 'idle in transaction%%' AS is_idle,
        a.wait_event IS NOT DISTINCT FROM 'ClientWrite' AND clock_timestamp() - a.state_change > l.patience AS is_deaf,
        clock_timestamp() - a.xact_start > l.patience AS is_long,
        starts_with(a.application_name, 'tenantry-') AND clock_timestamp() - a.xact_start < interval '15 minutes' AS is_spared,
        a.datname = ANY(l.shared) AS is_shared
    FROM limits l, pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid JOIN pg_database d ON d.oid = a.datid
    WHERE a.backend_type = 'client backend'
      AND a.usename <> session_user
      AND NOT r.rolsuper
      AND (
        starts_with(shobj_description(a.usesysid, 'pg_authid'), 'tenantry tenant=')
        OR starts_with(shobj_description(d.datdba, 'pg_authid'), 'tenantry tenant=')
        OR EXISTS (
          SELECT FROM pg_db_role_setting s, unnest(s.setconfig) c
          WHERE s.setdatabase = d.oid AND s.setrole = 0 AND starts_with(c, 'tenantry.tenant_id=')
        )
        OR (a.datname = ANY(l.shared) AND a.usename ~ '_login_[ab]$')
      )
      AND pg_has_role(a.usesysid, 'USAGE')
), blocking AS MATERIALIZED (
    SELECT DISTINCT unnest(pg_blocking_pids(w.pid)) AS pid FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock'
), judged AS MATERIALIZED (
    SELECT s.*, CASE
        WHEN s.is_shared AND s.is_long AND s.pid IN (SELECT pid FROM blocking) THEN 'blocks'
        WHEN s.is_shared AND s.is_long AND s.is_idle AND NOT s.is_spared THEN 'idle_in_transaction'
        WHEN (SELECT count(*) FROM pg_locks k WHERE k.pid = s.pid AND k.locktype = 'advisory') > %(advisory_locks)s THEN 'locks'
        WHEN (s.is_long OR s.is_deaf) AND (%(spare_nobody)s OR NOT s.is_spared) AND pg_notification_queue_usage() > %(queue_share)s THEN 'announcements'
    END AS reason
    FROM sessions s
), stopping AS MATERIALIZED (
    SELECT * FROM judged WHERE reason IS NOT NULL
)
SELECT database, role, reason
FROM (SELECT s.*, pg_terminate_backend(s.pid, 1000) AS ended FROM stopping s OFFSET 0) e
WHERE ended
ORDER BY 1, 2
