-- The casts from or to a type of a schema, which no dump of the schema has. A type is the name of its schema (null: that
-- schema) and its own. Run this with only pg_catalog in search_path.
SELECT ARRAY[nullif(a.nspname::text, %(schema)s), f.typname::text],
       ARRAY[nullif(b.nspname::text, %(schema)s), t.typname::text],
       c.castmethod::text, c.castcontext::text,
       CASE WHEN p.oid IS NOT NULL THEN ARRAY[nullif(n.nspname::text, %(schema)s), p.proname::text] END,
       ARRAY(
           SELECT jsonb_build_array(nullif(s.nspname::text, %(schema)s), y.typname)
           FROM unnest(p.proargtypes) WITH ORDINALITY g(type, place)
           JOIN pg_type y ON y.oid = g.type JOIN pg_namespace s ON s.oid = y.typnamespace
           ORDER BY g.place
       ),
       obj_description(c.oid, 'pg_cast')
FROM pg_cast c
JOIN pg_type f ON f.oid = c.castsource JOIN pg_namespace a ON a.oid = f.typnamespace
JOIN pg_type t ON t.oid = c.casttarget JOIN pg_namespace b ON b.oid = t.typnamespace
LEFT JOIN pg_proc p ON p.oid = c.castfunc LEFT JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE %(schema)s IN (a.nspname, b.nspname)
  AND c.castmethod <> 'b'
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i')
  )
ORDER BY format_type(c.castsource, NULL) COLLATE "C", format_type(c.casttarget, NULL) COLLATE "C"
