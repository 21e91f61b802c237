-- The foreign keys from and to the given tables, with the definitions that create them again and their comments. Those of
-- a partition belong to the partitioned tables above it, and the keys of partitions come with their parent's.
WITH tables AS (
    SELECT c.oid, c.relispartition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname::text, c.relname::text) IN (SELECT * FROM unnest(%(schemas)s::text[], %(tables)s::text[]))
), relations AS (
    SELECT oid FROM tables
    UNION
    SELECT a.relid::oid FROM tables t, pg_partition_ancestors(t.oid) a WHERE t.relispartition
)
SELECT n.nspname::text, c.relname::text, k.conname::text, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND (k.conrelid IN (SELECT oid FROM relations) OR k.confrelid IN (SELECT oid FROM relations))
ORDER BY 1, 2, 3
