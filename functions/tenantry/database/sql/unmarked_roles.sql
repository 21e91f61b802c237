-- Which of some roles are there without one of the marks that say that they are ours.
SELECT rolname::text
FROM pg_roles
WHERE rolname = ANY(%s) AND (shobj_description(oid, 'pg_authid') LIKE ANY(%s)) IS NOT TRUE
ORDER BY 1
