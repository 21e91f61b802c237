-- Partitions whose rows may lie in others in a copy, with the topmost partitioned table among whose partitions they do:
-- rows are distributed by a hash of values that are stored as OIDs, which are others there. That is an enum's and what is
-- made of one, and names of objects such as `regclass`. Of an expression it is what its operator class takes.
-- Run this with only pg_catalog in search_path.
WITH RECURSIVE hashed AS MATERIALIZED (SELECT * FROM pg_partitioned_table WHERE partstrat = 'h'),
-- The types of the keys, and what those are made of.
types (partrelid, oid) AS (
    SELECT h.partrelid, a.atttypid
    FROM hashed h JOIN pg_attribute a ON a.attrelid = h.partrelid AND a.attnum = ANY (h.partattrs::int2[])
    UNION
    SELECT y.partrelid, m.oid
    FROM types y
    JOIN pg_type t ON t.oid = y.oid
    CROSS JOIN LATERAL (
        SELECT t.typbasetype
        UNION ALL
        SELECT t.typelem
        UNION ALL
        SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
        UNION ALL
        SELECT r.rngsubtype FROM pg_range r WHERE r.rngmultitypid = t.oid
        UNION ALL
        SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
    ) m (oid)
    WHERE m.oid <> 0
),
rehashed AS MATERIALIZED (
    SELECT y.partrelid
    FROM types y JOIN pg_type t ON t.oid = y.oid
    WHERE t.typtype = 'e' OR t.typnamespace = 'pg_catalog'::regnamespace AND t.typname ~ '^reg'
    UNION
    SELECT h.partrelid
    FROM hashed h JOIN pg_opclass o ON o.oid = ANY (h.partclass::oid[])
    WHERE h.partexprs IS NOT NULL
      AND o.opcintype IN ('anyenum'::regtype, 'anyarray'::regtype, 'record'::regtype, 'anyrange'::regtype,
                          'anymultirange'::regtype, 'oid'::regtype)
)
SELECT DISTINCT ON (c.oid) n.nspname::text, c.relname::text, m.nspname::text, p.relname::text
FROM rehashed r
JOIN pg_class p ON p.oid = r.partrelid
JOIN pg_namespace m ON m.oid = p.relnamespace
CROSS JOIN pg_partition_tree(p.oid) t
JOIN pg_class c ON c.oid = t.relid AND t.isleaf
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
ORDER BY c.oid, t.level DESC
