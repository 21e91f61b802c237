-- The databases that a role may connect to, by its own rights and those that it inherits.
SELECT d.datname::text
FROM pg_database d
JOIN pg_roles r ON r.rolname = %(role)s
WHERE d.datallowconn AND r.rolcanlogin AND has_database_privilege(r.oid, d.oid, 'CONNECT')
