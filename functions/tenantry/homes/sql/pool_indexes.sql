-- B-tree indexes without a constraint whose first column is not the tenant: name, definition.
SELECT i.relname::text, pg_get_indexdef(x.indexrelid)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_am m ON m.oid = i.relam
LEFT JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
WHERE c.relnamespace = {schema}::regnamespace
  AND c.relkind = 'r'
  AND c.oid IS DISTINCT FROM to_regclass({version_table})
  AND m.amname = 'btree'
  AND x.indkey[0] IS DISTINCT FROM t.attnum
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY 1
