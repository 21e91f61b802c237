-- The databases in which a role owns something, has rights, or is named by a policy.
SELECT DISTINCT d.datname::text
FROM pg_shdepend s
JOIN pg_database d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = %s)
ORDER BY 1
