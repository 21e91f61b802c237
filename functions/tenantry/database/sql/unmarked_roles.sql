-- Those of the given roles that exist and have none of the given marks, so are not ours.
SELECT rolname::text
FROM pg_roles
WHERE rolname = ANY(%s) AND (shobj_description(oid, 'pg_authid') LIKE ANY(%s)) IS NOT TRUE
ORDER BY 1
