-- Tables and sequences that no longer match this transaction's snapshot: emptied or rewritten (TRUNCATE, ALTER TABLE),
-- dropped or renamed; a renamed column counts too. The columns of pg_class and pg_attribute show the snapshot's state, the
-- functions what is committed now. Readers name tables and columns, and a snapshot finds none of its rows in a table file
-- that is newer than the snapshot.
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S')
  AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_'
  AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s)
  AND (
    pg_catalog.pg_relation_filenode(c.oid) IS DISTINCT FROM nullif(c.relfilenode, 0)
    OR (pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0)).identity
       IS DISTINCT FROM pg_catalog.format('%%I.%%I', n.nspname, c.relname)
    OR (
      c.relkind = 'r'
      AND EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND (pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, a.attnum)).identity
              IS DISTINCT FROM pg_catalog.format('%%I.%%I.%%I', n.nspname, c.relname, a.attname)
      )
    )
  )
ORDER BY 1, 2
LIMIT 10
