-- A tenant's inspectors: marked or, if made before there were marks, logins whose password expires.
SELECT rolname::text
FROM pg_roles
WHERE rolname ~ %s
  AND (
    shobj_description(oid, 'pg_authid') LIKE ANY(%s)
    OR (shobj_description(oid, 'pg_authid') IS NULL AND rolvaliduntil IS NOT NULL AND NOT rolinherit)
  )
ORDER BY 1
