-- Each type once, by its OID, because hundreds of columns share a few types. The modifier -1 means "of any length": without
-- it, the result would be `character` and `bit`, and a cast to these keeps one character or bit only.
SELECT coalesce(json_object_agg(t.oid, json_build_array(
    format_type(t.oid, -1),
    format_type(b.oid, -1),
    (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid IN (b.oid, b.typelem))
)), '{}')
FROM (SELECT atttypid AS oid FROM columns UNION SELECT type FROM arguments) t
LEFT JOIN domains d ON d.oid = t.oid
JOIN pg_type b ON b.oid = coalesce(d.base, t.oid)
