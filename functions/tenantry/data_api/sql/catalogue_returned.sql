-- The columns of the relations whose rows functions return and that are not exposed.
SELECT coalesce(json_agg(json_build_array(n.nspname, c.relname, ARRAY(
    SELECT a.attname FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
)) ORDER BY n.nspname, c.relname), '[]')
FROM returned r
JOIN pg_class c ON c.oid = r.oid AND c.relkind <> 'c'
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM relations e WHERE e.oid = r.oid)
