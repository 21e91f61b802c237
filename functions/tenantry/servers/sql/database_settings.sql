-- The settings of a database: for everybody (no role), and for single roles in it.
SELECT r.rolname::text, setting
FROM pg_db_role_setting s
JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL unnest(s.setconfig) setting
WHERE d.datname = %s AND (s.setrole = 0 OR r.oid IS NOT NULL)
ORDER BY 1 NULLS FIRST, 2
