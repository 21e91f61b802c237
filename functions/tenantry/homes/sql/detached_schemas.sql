-- The detached schemas of a shared database, with single tables of one tenant that were restored, or their former rows.
SELECT nspname::text
FROM pg_namespace
WHERE nspname ~ '^[a-z0-9-]+_(restored|replaced)_[0-9a-z]{{10}}$'
  AND split_part(nspname, '_', 1) = {tenant_id}
ORDER BY 1
