-- The databases in which a role owns something or was given something, or which it owns: name, whether one can connect,
-- whether it is the role's.
SELECT d.datname::text, d.datallowconn, d.datdba = r.oid
FROM pg_roles r
CROSS JOIN pg_database d
WHERE r.rolname = %s
  AND (
    d.datdba = r.oid
    OR EXISTS (
        SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.dbid = d.oid
    )
  )
ORDER BY 1
