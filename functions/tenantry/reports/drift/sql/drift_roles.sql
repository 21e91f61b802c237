-- Every role whose name could be a tenant's, with its connection limit.
SELECT rolname::text, rolconnlimit
FROM pg_roles
WHERE rolname ~ '^[a-z][a-z0-9-]+_(owner|editor|viewer|login_a|login_b|copy)$'
ORDER BY 1
