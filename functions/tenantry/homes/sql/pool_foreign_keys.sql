-- Foreign keys whose first column is not the tenant.
SELECT
    c.relname::text,
    f.conname::text,
    r.relname::text,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(f.conkey) WITH ORDINALITY k(num, place)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.num
        ORDER BY k.place
    ),
    ARRAY(
        SELECT a.attname::text
        FROM unnest(f.confkey) WITH ORDINALITY k(num, place)
        JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.num
        ORDER BY k.place
    ),
    f.confupdtype::text,
    f.confdeltype::text,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = f.conrelid AND a.attnum = ANY(f.confdelsetcols)),
    f.convalidated
FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid
JOIN pg_class r ON r.oid = f.confrelid
LEFT JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
WHERE c.relnamespace = {schema}::regnamespace AND f.contype = 'f' AND f.conkey[1] IS DISTINCT FROM t.attnum
ORDER BY 1, 2
