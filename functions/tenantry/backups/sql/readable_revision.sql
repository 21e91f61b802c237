-- Whether the schema has a version table in a known form that this role may read.
SELECT coalesce(bool_or(has_column_privilege(attrelid, attnum, 'SELECT')), false)
FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attname = 'version_num' AND NOT attisdropped
