-- What a table's columns and checks are otherwise than those that it inherits, where pg_dump says it of the parent alone:
-- a check that holds for every row here and was not validated there, a column's storage and compression where they are
-- its type's own here. A partition is dumped as a table of its own, so nothing of it is lost.
-- Run this with only pg_catalog in search_path.
WITH RECURSIVE ancestors (inhrelid, inhparent) AS (
    SELECT inhrelid, inhparent FROM pg_inherits
    UNION
    SELECT a.inhrelid, i.inhparent FROM ancestors a JOIN pg_inherits i ON i.inhrelid = a.inhparent
),
children AS MATERIALIZED (
    SELECT c.oid, nullif(n.nspname::text, %(main)s) AS schema, c.relname::text AS name, i.inhparent AS parent
    FROM ancestors i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'f') AND NOT c.relispartition
      AND n.nspname !~ '^pg_' AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
),
columns AS MATERIALIZED (
    SELECT c.schema, c.name, a.attname::text AS part, t.typstorage, a.attstorage, a.attcompression,
           b.attstorage AS parents_storage, b.attcompression AS parents_compression
    FROM children c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount > 0
    JOIN pg_attribute b ON b.attrelid = c.parent AND b.attname = a.attname AND NOT b.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
)
SELECT 'valid' AS kind, c.schema, c.name, k.conname::text AS part, '' AS value
FROM children c
JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('c', 'n') AND k.convalidated AND k.coninhcount > 0
JOIN pg_constraint p ON p.conrelid = c.parent AND p.contype = k.contype AND NOT p.convalidated
 AND CASE k.contype WHEN 'c' THEN p.conname = k.conname ELSE EXISTS (
     SELECT FROM pg_attribute a JOIN pg_attribute b ON b.attname = a.attname
     WHERE a.attrelid = c.oid AND a.attnum = k.conkey[1] AND b.attrelid = c.parent AND b.attnum = p.conkey[1]
 ) END
UNION
SELECT 'storage', schema, name, part, attstorage::text
FROM columns WHERE attstorage = typstorage AND parents_storage <> attstorage
UNION
SELECT 'compression', schema, name, part, ''
FROM columns WHERE attcompression = '' AND parents_compression <> ''
ORDER BY 1, 2 NULLS FIRST, 3, 4
