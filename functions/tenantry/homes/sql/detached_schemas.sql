-- The detached schemas of one tenant in a shared database: they hold single tables that were restored, or those that a
-- restore replaced.
SELECT nspname::text
FROM pg_namespace
WHERE nspname ~ '^[a-z0-9-]+_(restored|replaced)_[0-9a-z]{{10}}$'
  AND split_part(nspname, '_', 1) = {tenant_id}
ORDER BY 1
