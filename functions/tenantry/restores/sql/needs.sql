-- The given tables with all that is part of them and all that they need: types, functions, sequences and so on, to the
-- end. A table or view that is not given is as far as it goes; so is what an extension has made. Each comes with the
-- names that pg_identify_object_as_address gives it, and with the keys of what it needs itself.
WITH RECURSIVE links AS (
    SELECT d.classid AS class, d.objid AS object, d.refclassid AS needed_class, d.refobjid AS needed,
           d.deptype IN ('a', 'i', 'P', 'S') AS is_part
    FROM pg_depend d
    WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S')
      AND d.objid >= 16384 AND d.refobjid >= 16384
      AND d.classid <> ALL(ARRAY['pg_publication_rel', 'pg_publication_namespace', 'pg_default_acl']::regclass[])
      AND d.refclassid <> ALL(ARRAY['pg_namespace', 'pg_extension', 'pg_language', 'pg_publication']::regclass[])
      -- A sequence is not of the table's making that it belongs to: it can be given to another one.
      AND NOT (d.classid = 'pg_class'::regclass AND d.deptype = 'a' AND d.refclassid = 'pg_class'::regclass
               AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.objid AND s.relkind = 'S')
               AND d.refobjid <> ALL(%(tables)s::oid[]))
    UNION ALL
    -- What these are made of, PostgreSQL notes the other way round only.
    SELECT 'pg_type'::regclass, t.oid, 'pg_class'::regclass, t.typrelid, false
    FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid WHERE c.relkind = 'c'
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, 'pg_class'::regclass, k.conindid, false
    FROM pg_constraint k WHERE k.conindid <> 0 AND k.conrelid = ANY(%(tables)s::oid[])
), reached (class, object, is_end) AS (
    SELECT 'pg_class'::regclass::oid, t.oid, false FROM unnest(%(tables)s::oid[]) t (oid)
    UNION
    SELECT e.class, e.object,
           EXISTS (
               SELECT FROM pg_depend d WHERE d.classid = e.class AND d.objid = e.object AND d.objsubid = 0 AND d.deptype = 'e'
           ) OR e.class = 'pg_class'::regclass AND e.object <> ALL(%(tables)s::oid[]) AND EXISTS (
               SELECT FROM pg_class c WHERE c.oid = e.object AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           )
    FROM reached r
    CROSS JOIN LATERAL (
        SELECT l.needed_class AS class, l.needed AS object FROM links l WHERE l.class = r.class AND l.object = r.object
        UNION ALL
        SELECT l.class, l.object FROM links l WHERE l.needed_class = r.class AND l.needed = r.object AND l.is_part
    ) e
    WHERE NOT r.is_end
      AND NOT (e.class = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class c WHERE c.oid = e.object AND c.relkind = 't'))
)
SELECT
    r.class || ':' || r.object AS key,
    a.type AS kind,
    a.object_names AS names,
    i.identity AS identity,
    r.is_end AND e.extname IS NULL AS is_foreign,
    coalesce(e.extname::text, '') AS extension,
    coalesce(n.nspname::text, '') AS extension_schema,
    -- What goes along with something else: array types, rows of tables, indexes, sequences of these tables. A multirange
    -- does not, though it is part of its range.
    EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = r.class AND d.objid = r.object AND d.deptype = 'i' AND d.refobjid <> r.object
    ) AND NOT EXISTS (
        SELECT FROM pg_type m WHERE r.class = 'pg_type'::regclass AND m.oid = r.object AND m.typtype = 'm'
    ) OR r.class = 'pg_class'::regclass AND EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = r.class AND d.objid = r.object AND d.deptype = 'a'
          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY(%(tables)s::oid[]) AND a.type = 'sequence'
    ) AS goes_along,
    coalesce(f.attgenerated::text, '') AS generated,
    coalesce(f.attinhcount > 0, k.coninhcount > 0, false) AS is_inherited,
    ARRAY(
        SELECT DISTINCT l.needed_class || ':' || l.needed FROM links l WHERE l.class = r.class AND l.object = r.object
    ) AS needs
FROM reached r
CROSS JOIN LATERAL pg_identify_object_as_address(r.class, r.object, 0) a
CROSS JOIN LATERAL pg_identify_object(r.class, r.object, 0) i
LEFT JOIN pg_depend d ON d.classid = r.class AND d.objid = r.object AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = d.refobjid
LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_attrdef v ON r.class = 'pg_attrdef'::regclass AND v.oid = r.object
LEFT JOIN pg_attribute f ON f.attrelid = v.adrelid AND f.attnum = v.adnum
LEFT JOIN pg_constraint k ON r.class = 'pg_constraint'::regclass AND k.oid = r.object
ORDER BY r.class, r.object
