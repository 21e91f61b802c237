-- Each type once, by its number, for hundreds of columns share a few. -1 stands for "of any length": without it,
-- `character` and `bit` would be written, which cut a value off after one.
SELECT coalesce(json_object_agg(t.oid, json_build_array(
    format_type(t.oid, -1),
    format_type(b.oid, -1),
    (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid IN (b.oid, b.typelem))
)), '{}')
FROM (SELECT atttypid AS oid FROM columns UNION SELECT type FROM arguments) t
LEFT JOIN domains d ON d.oid = t.oid
JOIN pg_type b ON b.oid = coalesce(d.base, t.oid)
