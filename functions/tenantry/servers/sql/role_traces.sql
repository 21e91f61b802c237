-- The databases that a role owns, or in which it owns objects or has rights: name, whether the database accepts connections,
-- whether the role owns it.
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
