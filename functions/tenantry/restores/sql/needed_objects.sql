-- The given objects, with the names and the spelling that PostgreSQL has for each.
SELECT
    r.class, r.object,
    a.type AS kind,
    a.object_names AS names,
    a.object_args AS arguments,
    i.identity AS identity,
    coalesce(e.extname::text, '') AS extension,
    coalesce(n.nspname::text, '') AS extension_schema,
    -- What goes along with something else: array types, rows of tables, indexes, sequences of these tables. A multirange
    -- does not, though it is part of its range.
    EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = r.class AND d.objid = r.object AND d.deptype = 'i' AND d.refobjid <> r.object
    ) AND t.typtype IS DISTINCT FROM 'm' OR a.type = 'sequence' AND EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = r.class AND d.objid = r.object AND d.deptype = 'a' AND d.refobjid = ANY(%(tables)s::oid[])
    ) AS goes_along,
    coalesce(f.attgenerated::text, '') AS generated,
    coalesce(f.attinhcount > 0, k.coninhcount > 0, false) AS is_inherited
FROM unnest(%(classes)s::oid[], %(objects)s::oid[]) r (class, object)
CROSS JOIN LATERAL pg_identify_object_as_address(r.class, r.object, 0) a
CROSS JOIN LATERAL pg_identify_object(r.class, r.object, 0) i
LEFT JOIN pg_depend d ON d.classid = r.class AND d.objid = r.object AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = d.refobjid
LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_type t ON r.class = 'pg_type'::regclass AND t.oid = r.object
LEFT JOIN pg_attrdef v ON r.class = 'pg_attrdef'::regclass AND v.oid = r.object
LEFT JOIN pg_attribute f ON f.attrelid = v.adrelid AND f.attnum = v.adnum
LEFT JOIN pg_constraint k ON r.class = 'pg_constraint'::regclass AND k.oid = r.object
ORDER BY r.class, r.object
