-- A tenant's roles and, in a database of its own, every other role with a right to the database except superusers.
SELECT r.rolname::text, r.rolcanlogin, r.rolinherit, r.rolconnlimit,
       ARRAY(
           SELECT g.rolname::text FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
           WHERE a.member = r.oid ORDER BY 1
       )
FROM pg_roles r
WHERE NOT r.rolsuper
  AND (
      r.rolname = ANY(%(roles)s)
      OR %(own)s AND r.oid IN (
          SELECT a.grantee FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database()
      )
  )
ORDER BY 1
