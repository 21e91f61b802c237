-- The tenants' own databases whose limit of connections leaves no room for so many more sessions. An administrator alone can
-- have set whose they are.
SELECT d.datname::text
FROM pg_database d
JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0
LEFT JOIN pg_stat_database u ON u.datid = d.oid
WHERE d.datconnlimit >= 0
  AND d.datconnlimit - coalesce(u.numbackends, 0) < %(room)s
  AND EXISTS (SELECT FROM unnest(s.setconfig) c WHERE starts_with(c, 'tenantry.tenant_id='))
  AND pg_has_role(d.datdba, 'USAGE')
ORDER BY 1
