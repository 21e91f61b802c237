-- Every role whose name could be a tenant's, and how many sessions it may have.
SELECT rolname::text, rolconnlimit
FROM pg_roles
WHERE rolname ~ '^[a-z][a-z0-9-]+_(owner|editor|viewer|login_a|login_b|copy)$'
ORDER BY 1
