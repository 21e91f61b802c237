-- The wanted tables and partitioned tables, by schema and name (an empty name means all of that schema). Of a partitioned
-- table, all of its partitions are wanted too.
WITH named AS (
    SELECT c.oid, c.relkind
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN unnest(%(schemas)s::text[], %(tables)s::text[]) w (schema, name) ON n.nspname::text = w.schema AND w.name IN (c.relname::text, '')
    WHERE c.relkind IN ('r', 'p')
      AND c.relpersistence <> 't'
      AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
), whole AS (
    SELECT oid FROM named
    UNION
    SELECT t.relid::oid FROM named, pg_partition_tree(named.oid) t WHERE named.relkind = 'p'
)
SELECT c.oid, n.nspname::text, c.relname::text
FROM whole JOIN pg_class c ON c.oid = whole.oid AND c.relkind IN ('r', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY c.oid
