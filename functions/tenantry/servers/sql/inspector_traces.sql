-- The databases in which a role owns something or has been granted something; no row if the role does not exist.
SELECT ARRAY(
    SELECT DISTINCT d.datname::text
    FROM pg_shdepend s
    JOIN pg_database d ON d.oid = s.dbid
    WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND d.datallowconn
    ORDER BY 1
)
FROM pg_roles r
WHERE r.rolname = %s
