-- The settings of the tenant's roles, global and in this database, and those of the database if it is the tenant's own.
SELECT coalesce(r.rolname, '')::text, s.setdatabase <> 0, setting
FROM pg_db_role_setting s
LEFT JOIN pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL unnest(s.setconfig) setting
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND (r.rolname = ANY(%(roles)s) OR %(own)s AND s.setdatabase <> 0 AND (s.setrole = 0 OR r.oid IS NOT NULL))
ORDER BY 1, 2, 3
