-- Templates that were made before there were marks: they are complete, and the templates' role owns something in them.
SELECT d.datname::text
FROM pg_database d
WHERE starts_with(d.datname, %s) AND d.datistemplate AND NOT d.datallowconn
  AND EXISTS (
    SELECT FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
    WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND s.dbid = d.oid
      AND r.rolname = %s AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls)
  )
  AND shobj_description(d.oid, 'pg_database') IS DISTINCT FROM %s
ORDER BY 1
