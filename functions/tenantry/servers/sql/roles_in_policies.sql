SELECT DISTINCT r.rolname::text
FROM pg_policy p, unnest(p.polroles) role
JOIN pg_roles r ON r.oid = role
ORDER BY 1
