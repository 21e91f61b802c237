-- The settings of this database that apply to every role.
SELECT setting
FROM pg_db_role_setting s, unnest(s.setconfig) setting
WHERE s.setrole = 0 AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1
