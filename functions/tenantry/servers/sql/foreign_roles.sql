-- The roles on which something in this database, or its own rights, depend. Superusers who own nothing are left out.
SELECT DISTINCT r.rolname::text
FROM pg_shdepend s
JOIN pg_roles r ON r.oid = s.refobjid
JOIN pg_database d ON d.datname = current_database()
WHERE s.refclassid = 'pg_authid'::regclass
  AND (s.dbid = d.oid OR (s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid))
  AND r.rolname <> ALL(%s)
  AND NOT starts_with(r.rolname, %s)
  AND r.rolname <> session_user
ORDER BY 1
