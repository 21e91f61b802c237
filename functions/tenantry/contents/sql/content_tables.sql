-- The tables that hold the tenant's own rows, with their columns sorted by name, the partitioned tables above each, and the OID
-- and file that it has in this snapshot. Run this with the home's schema as
-- search_path: the types of that schema then appear without its name, so the result is the same whatever schema holds the
-- copy. Every function and operator is qualified with pg_catalog, because otherwise one that the tenant made in its schema
-- could be called instead.
WITH RECURSIVE domains (oid, base) AS (
    SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.typtype OPERATOR(pg_catalog.=) 'd'
    UNION ALL
    SELECT d.oid, t.typbasetype
    FROM domains d JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) d.base
    WHERE t.typtype OPERATOR(pg_catalog.=) 'd'
),
types AS MATERIALIZED (
    -- What writes values of any length: PostgreSQL's own function, or another one, whose name says nothing.
    SELECT
        t.oid,
        CASE
            WHEN p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace THEN p.proname::text
            ELSE 'other'
        END AS output
    FROM (
        SELECT t.oid, t.typlen, t.typoutput FROM pg_catalog.pg_type t WHERE t.typtype OPERATOR(pg_catalog.<>) 'd'
        UNION ALL
        SELECT d.oid, t.typlen, t.typoutput
        FROM domains d JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) d.base
        WHERE t.typtype OPERATOR(pg_catalog.<>) 'd'
    ) t
    JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.typoutput
    WHERE t.typlen OPERATOR(pg_catalog.=) -1
)
SELECT
    n.nspname::text,
    c.relname::text,
    coalesce(
        pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'name', a.attname,
                'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                'generated', a.attgenerated OPERATOR(pg_catalog.<>) '',
                -- A text that is padded to some length is not longer than that.
                'output', CASE
                    WHEN t.output OPERATOR(pg_catalog.=) 'bpcharout'
                        AND a.atttypmod OPERATOR(pg_catalog.>) 0 AND a.atttypmod OPERATOR(pg_catalog.<=) 1028
                    THEN NULL
                    ELSE t.output
                END,
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
    ),
    c.oid::bigint,
    c.relfilenode::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a
    ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0::smallint AND NOT a.attisdropped
    -- What is computed when it is read, and may fail then, lies nowhere and is in no dump.
    AND (%(computed)s OR a.attgenerated OPERATOR(pg_catalog.<>) 'v')
LEFT JOIN types t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
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
GROUP BY c.oid, n.nspname, c.relname, c.relispartition, c.relfilenode
ORDER BY 1, 2
