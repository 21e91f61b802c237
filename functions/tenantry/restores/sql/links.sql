-- What the given objects need, and what is part of them: of each link the two ends, whether it is a need, and whether the
-- second is where to stop: a table or view that is not among the given tables, or what an extension has made.
WITH asked AS (
    SELECT class, object FROM unnest(%(classes)s::oid[], %(objects)s::oid[]) a (class, object)
), links AS (
    SELECT a.class, a.object, d.refclassid AS other_class, d.refobjid AS other, true AS is_need
    FROM asked a
    JOIN pg_depend d ON d.classid = a.class AND d.objid = a.object
    LEFT JOIN pg_class s ON d.classid = 'pg_class'::regclass AND s.oid = d.objid
    WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S')
      -- A sequence can be taken from the table that it belongs to, unless it is one of an identity column.
      AND NOT (s.relkind IS NOT DISTINCT FROM 'S' AND d.deptype = 'a' AND d.refobjid <> ALL(%(tables)s::oid[]))
    UNION
    SELECT a.class, a.object, d.classid, d.objid, false
    FROM asked a
    JOIN pg_depend d ON d.refclassid = a.class AND d.refobjid = a.object
    WHERE d.deptype IN ('a', 'i', 'P', 'S')
    UNION
    -- These two PostgreSQL notes the other way round only: what a composite type is made of, and the index of a key.
    SELECT a.class, a.object, 'pg_class'::regclass, t.typrelid, true
    FROM asked a JOIN pg_type t ON t.oid = a.object JOIN pg_class c ON c.oid = t.typrelid
    WHERE a.class = 'pg_type'::regclass AND c.relkind = 'c'
    UNION
    SELECT a.class, a.object, 'pg_class'::regclass, k.conindid, true
    FROM asked a JOIN pg_constraint k ON k.oid = a.object
    WHERE a.class = 'pg_constraint'::regclass AND k.conindid <> 0
)
SELECT
    l.class, l.object, l.other_class, l.other, l.is_need,
    EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = l.other_class AND d.objid = l.other AND d.objsubid = 0 AND d.deptype = 'e'
    ) OR coalesce(c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid <> ALL(%(tables)s::oid[]), false)
FROM links l
LEFT JOIN pg_class c ON l.other_class = 'pg_class'::regclass AND c.oid = l.other
-- What PostgreSQL itself has made is there everywhere.
WHERE l.other >= 16384
  AND l.other_class <> ALL(ARRAY[
      'pg_namespace', 'pg_extension', 'pg_language', 'pg_publication', 'pg_publication_rel', 'pg_publication_namespace',
      'pg_default_acl'
  ]::regclass[])
  AND c.relkind IS DISTINCT FROM 't'
