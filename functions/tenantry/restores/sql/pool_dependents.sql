-- Shared tables that a deletion of rows of some others would change, or that forbid it at once: by their foreign keys'
-- actions, none of which can wait for the end of a transaction.
SELECT DISTINCT r.relname::text
FROM pg_constraint f
JOIN pg_class c ON c.oid = f.confrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class r ON r.oid = f.conrelid
WHERE f.contype = 'f'
  AND f.confdeltype <> 'a'
  AND n.nspname = %(schema)s
  AND c.relname = ANY(%(tables)s)
  AND r.relname <> ALL(%(tables)s)
ORDER BY 1
