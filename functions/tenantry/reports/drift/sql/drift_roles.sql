-- Every role whose name could be a tenant's, with its connection limit. The logins for backups are all marked.
SELECT rolname::text, rolconnlimit
FROM pg_roles
WHERE rolname ~ '^[a-z][a-z0-9-]+_(owner|editor|viewer|login_a|login_b|copy)$'
   OR (
       rolname ~ '^[a-z][a-z0-9-]+_(dump|count)$'
       AND starts_with(shobj_description(oid, 'pg_authid'), 'tenantry tenant=' || split_part(rolname, '_', 1))
   )
ORDER BY 1
