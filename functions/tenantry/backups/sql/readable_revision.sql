-- Whether a schema has a version table in a known form that this role may read. A schema that is closed to it can't be asked
-- by a name (`to_regclass`).
SELECT coalesce(bool_or(has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')), false)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND a.attname = 'version_num' AND NOT a.attisdropped
