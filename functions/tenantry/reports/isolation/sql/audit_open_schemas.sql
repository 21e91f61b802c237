-- The schemas of this database that one of the given roles ('none' is the login itself) may use, or may make things in.
SELECT n.nspname::text
FROM pg_namespace n
WHERE n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_'
  AND EXISTS (
    SELECT
    FROM unnest(%(roles)s::text[]) role (name)
    JOIN pg_roles r ON r.rolname = CASE role.name WHEN 'none' THEN session_user ELSE role.name END
    WHERE has_schema_privilege(r.oid, n.oid, 'USAGE, CREATE')
  )
