-- Those of the given tables, and of what refers to them or is referred to, whose policies bind their owner, too.
WITH tables AS (
    SELECT c.oid
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname::text, c.relname::text) IN (SELECT * FROM unnest(%(schemas)s::text[], %(tables)s::text[]))
),
others AS (
    SELECT unnest(ARRAY[k.conrelid, k.confrelid]) AS oid
    FROM pg_constraint k
    WHERE k.contype = 'f' AND (k.conrelid IN (SELECT oid FROM tables) OR k.confrelid IN (SELECT oid FROM tables))
),
concerned AS (
    SELECT oid FROM tables
    UNION
    SELECT oid FROM others
    UNION
    -- Of a partitioned table that refers to one, each partition is looked at.
    SELECT t.relid FROM others o JOIN pg_class c ON c.oid = o.oid AND c.relkind = 'p' CROSS JOIN pg_partition_tree(o.oid) t
)
SELECT n.nspname::text, c.relname::text
FROM concerned JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relforcerowsecurity
ORDER BY 1, 2
