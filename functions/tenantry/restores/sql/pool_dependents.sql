-- Shared tables whose foreign keys change their rows, or refuse at once, when rows of the given tables are deleted.
-- Such an action can't be deferred to the end of the transaction.
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
