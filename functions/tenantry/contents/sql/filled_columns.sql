-- The sequences that fill columns of the given tables, with their parameters and every column that they fill anywhere: a
-- sequence is owned by it, or its default takes values from the sequence. Partitions share the sequences of their parents.
WITH filling AS (
    SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS place
    FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    UNION
    SELECT d.refobjid, f.adrelid, f.adnum::integer
    FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
), filled AS (
    SELECT DISTINCT f.sequence, n.nspname::text AS schema, c.relname::text AS table, a.attname::text AS column
    FROM filling f
    JOIN pg_attribute b ON b.attrelid = f.relation AND b.attnum = f.place
    JOIN pg_class r ON r.oid = f.relation
    CROSS JOIN LATERAL (
        SELECT t.relid::oid AS leaf FROM pg_partition_tree(r.oid) t WHERE r.relkind = 'p' AND t.isleaf
        UNION ALL
        SELECT r.oid WHERE r.relkind = 'r'
    ) leaves
    JOIN pg_class c ON c.oid = leaves.leaf AND c.relkind = 'r'
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = b.attname
    WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
)
SELECT n.nspname::text, c.relname::text, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle,
       jsonb_agg(jsonb_build_array(f.schema, f.table, f.column))
FROM filled f
JOIN pg_class c ON c.oid = f.sequence AND c.relkind = 'S'
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequence s ON s.seqrelid = c.oid
GROUP BY c.oid, n.nspname, c.relname, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle
HAVING bool_or((f.schema, f.table) IN (SELECT * FROM unnest(%(schemas)s::text[], %(tables)s::text[])))
ORDER BY 1, 2
