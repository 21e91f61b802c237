-- The tables that hold rows of a tenant's own, with their columns in the order of their names. Run with the home's schema
-- as search_path: types of that schema are then named without it, in whatever schema the copy lies.
SELECT
    n.nspname::text,
    c.relname::text,
    coalesce(
        jsonb_agg(
            jsonb_build_object(
                'name', a.attname,
                'type', format_type(a.atttypid, a.atttypmod),
                'generated', a.attgenerated <> '',
                'sequence', CASE
                    WHEN a.attidentity <> '' OR a.atthasdef
                    THEN pg_get_serial_sequence(format('%%I.%%I', n.nspname, c.relname), a.attname)
                END
            )
            ORDER BY a.attname
        ) FILTER (WHERE a.attname IS NOT NULL),
        '[]'
    )
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r'
  AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_'
  AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
GROUP BY n.nspname, c.relname
ORDER BY 1, 2
