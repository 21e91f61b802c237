-- The enabled triggers of the given tables, with the mode in which they fire; triggers of constraints are left out. What a
-- partition has from its parent fires for its rows too. Of partitioned tables those for each statement: rows may be given to
-- these, and triggers for each row are their partitions'.
SELECT n.nspname::text, c.relname::text, t.tgname::text, t.tgenabled::text
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal
  AND t.tgenabled <> 'D'
  AND (c.relkind <> 'p' OR t.tgtype & 1 = 0)
  AND (n.nspname::text, c.relname::text) IN (SELECT * FROM unnest(%(schemas)s::text[], %(tables)s::text[]))
ORDER BY 1, 2, 3
