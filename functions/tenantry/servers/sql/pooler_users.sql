-- The logins that the data API uses, by the marks of tenants' roles, with what their passwords are proved by. Logins of
-- backups, administrators and whoever else is on the server are not among them.
SELECT a.rolname, a.rolpassword
FROM pg_authid a
JOIN pg_shdescription d ON d.objoid = a.oid AND d.classoid = 'pg_authid'::regclass
WHERE a.rolcanlogin
  AND NOT (a.rolsuper OR a.rolcreaterole OR a.rolreplication OR a.rolbypassrls)
  AND d.description ~ '^tenantry tenant=[a-z0-9_-]+( stage=.*)?$'
  AND a.rolname IN (split_part(split_part(d.description, ' ', 2), '=', 2) || '_login_a',
                    split_part(split_part(d.description, ' ', 2), '=', 2) || '_login_b')
  AND a.rolpassword LIKE 'SCRAM-SHA-256$%'
ORDER BY a.rolname
