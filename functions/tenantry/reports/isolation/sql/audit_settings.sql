-- Applications' own settings that look like secrets, by database and role; '' means any. Every tenant of the server can
-- read the catalogue that holds them. The result has their number and the names of some, never a value.
SELECT
    coalesce(d.datname::text, ''),
    coalesce(r.rolname::text, ''),
    count(*)::int,
    (array_agg(left(one.name, 63) ORDER BY one.name))[:%(examples)s]
FROM pg_db_role_setting s
LEFT JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL (
    SELECT split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1, 1000) AS value
    FROM unnest(s.setconfig) setting
) one
-- PostgreSQL's own settings have no dot.
WHERE strpos(one.name, '.') > 0 AND NOT starts_with(one.name, 'tenantry.')
  AND (
      one.name ~* '(secret|passw|token|credential|private|signing|api_?key|encryption_?key)'
      -- A service's URL with a password.
      OR one.value ~ '://[^/@[:space:]]*:[^/@[:space:]]+@'
  )
GROUP BY 1, 2
ORDER BY 1, 2
