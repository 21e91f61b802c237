-- The tables that hold the tenant's own rows, with their columns sorted by name, and the partitioned tables above each. Run this with the home's schema as
-- search_path: the types of that schema then appear without its name, so the result is the same whatever schema holds the
-- copy. Every function and operator is qualified with pg_catalog, because otherwise one that the tenant made in its schema
-- could be called instead.
SELECT
    n.nspname::text,
    c.relname::text,
    coalesce(
        pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'name', a.attname,
                'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                'generated', a.attgenerated OPERATOR(pg_catalog.<>) '',
                'sequence', CASE
                    WHEN (a.attidentity OPERATOR(pg_catalog.<>) '' OR a.atthasdef)
                        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                    THEN pg_catalog.pg_get_serial_sequence(
                        pg_catalog.format('%%I.%%I', n.nspname, c.relname), a.attname::text
                    )
                END
            )
            ORDER BY a.attname
        ) FILTER (WHERE a.attname IS NOT NULL),
        '[]'
    ),
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(m.nspname, p.relname))
            FROM pg_catalog.pg_partition_ancestors(c.oid) a
            JOIN pg_catalog.pg_class p ON p.oid OPERATOR(pg_catalog.=) a.relid::pg_catalog.oid
            JOIN pg_catalog.pg_namespace m ON m.oid OPERATOR(pg_catalog.=) p.relnamespace
            WHERE c.relispartition AND p.oid OPERATOR(pg_catalog.<>) c.oid
        ),
        '[]'
    )
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a
    ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0::smallint AND NOT a.attisdropped
    -- What is computed when it is read, and may fail then, lies nowhere and is in no dump.
    AND (%(computed)s OR a.attgenerated OPERATOR(pg_catalog.<>) 'v')
WHERE c.relkind OPERATOR(pg_catalog.=) 'r'
  AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
  AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
  AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
  AND (%(schema)s::text IS NULL OR n.nspname::text OPERATOR(pg_catalog.=) %(schema)s::text)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass::oid
      AND d.objid OPERATOR(pg_catalog.=) c.oid
      AND d.deptype OPERATOR(pg_catalog.=) 'e'
  )
GROUP BY c.oid, n.nspname, c.relname, c.relispartition
ORDER BY 1, 2
