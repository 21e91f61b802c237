-- The role with the name of a copy's login, if we did not make it: it is not marked, and is not one of those that we made
-- before there were marks.
SELECT r.rolname::text
FROM pg_roles r
WHERE r.rolname = %s
  AND (shobj_description(r.oid, 'pg_authid') LIKE ANY(%s)) IS NOT TRUE
  AND NOT (
    r.rolvaliduntil IS NOT NULL AND shobj_description(r.oid, 'pg_authid') IS NULL
    AND EXISTS (
        SELECT FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid WHERE a.member = r.oid AND g.rolname = %s
    )
  )
