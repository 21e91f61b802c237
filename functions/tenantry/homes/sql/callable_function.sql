-- Whether each of the roles %(roles)s may call the function %(name)s of the schema %(schema)s without arguments; no row where
-- there is no such function.
SELECT (
    SELECT bool_and(has_schema_privilege(r.rolname, n.oid, 'USAGE') AND has_function_privilege(r.rolname, p.oid, 'EXECUTE'))
    FROM pg_roles r
    WHERE r.rolname::text = ANY (%(roles)s)
)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = %(schema)s AND p.proname = %(name)s AND p.prokind = 'f' AND p.pronargs = p.pronargdefaults
ORDER BY p.pronargs
LIMIT 1
