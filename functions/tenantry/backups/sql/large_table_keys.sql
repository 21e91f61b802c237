-- Tables larger than a number of bytes that have a primary key, with the key's columns.
SELECT n.nspname::text, c.relname::text, ARRAY(
    SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.place
)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > %s
