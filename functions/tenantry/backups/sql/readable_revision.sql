-- Whether a table is there that keeps a schema's revision, in a form that we know, for us to read.
SELECT coalesce(bool_or(has_column_privilege(attrelid, attnum, 'SELECT')), false)
FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attname = 'version_num' AND NOT attisdropped
