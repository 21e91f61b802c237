-- The settings that make transactions read only by default: in a database, for a role, or both; '' means any.
SELECT coalesce(d.datname::text, ''), coalesce(r.rolname::text, '')
FROM pg_db_role_setting s
LEFT JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole
WHERE EXISTS (
    SELECT FROM unnest(s.setconfig) setting
    WHERE setting ILIKE 'default_transaction_read_only=%'
      AND lower(split_part(setting, '=', 2)) IN ('on', 'true', 'yes', '1')
)
ORDER BY 1, 2
