-- Primary keys and unique constraints whose first column is not the tenant: table, name, definition.
SELECT c.relname::text, k.conname::text, pg_get_constraintdef(k.oid)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
WHERE c.relnamespace = {schema}::regnamespace
  AND c.oid IS DISTINCT FROM to_regclass({version_table})
  AND k.contype IN ('p', 'u')
  AND k.conkey[1] IS DISTINCT FROM t.attnum
ORDER BY 1, 2
