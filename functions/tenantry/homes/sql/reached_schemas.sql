-- Those of the given schemas to which the given roles have rights: to the schema, to a relation in it, or by default
-- privileges to later objects.
SELECT n.nspname::text
FROM pg_namespace n
WHERE n.nspname::text = ANY(%(schemas)s)
  AND EXISTS (
    SELECT FROM (
        SELECT n.nspacl AS acl
        UNION ALL
        SELECT c.relacl FROM pg_class c WHERE c.relnamespace = n.oid
        UNION ALL
        SELECT d.defaclacl FROM pg_default_acl d WHERE d.defaclnamespace = n.oid
    ) x, aclexplode(x.acl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE r.rolname::text = ANY(%(readers)s)
  )
