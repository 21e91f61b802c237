SELECT DISTINCT r.rolname::text
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN unnest(p.polroles) role
JOIN pg_roles r ON r.oid = role
WHERE %(schema)s::text IS NULL OR n.nspname = %(schema)s
ORDER BY 1
