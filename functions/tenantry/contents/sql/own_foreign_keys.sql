-- The foreign keys from and to the given tables, with the definitions that create them again. The keys of partitions come
-- with their parent's.
SELECT n.nspname::text, c.relname::text, k.conname::text, pg_get_constraintdef(k.oid)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class r ON r.oid = k.confrelid
JOIN pg_namespace m ON m.oid = r.relnamespace
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND (
    (n.nspname::text, c.relname::text) IN (SELECT * FROM unnest(%(schemas)s::text[], %(tables)s::text[]))
    OR (m.nspname::text, r.relname::text) IN (SELECT * FROM unnest(%(schemas)s::text[], %(tables)s::text[]))
  )
ORDER BY 1, 2, 3
