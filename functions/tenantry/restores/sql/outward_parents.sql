-- Inheritance and partitions between the given tables and others: whether it is a partition, the parent and the child.
SELECT c.relispartition, m.nspname::text, p.relname::text, n.nspname::text, c.relname::text
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = i.inhparent
JOIN pg_namespace m ON m.oid = p.relnamespace
WHERE c.relkind IN ('r', 'p', 'f')
  AND (c.oid = ANY(%(tables)s::oid[])) <> (p.oid = ANY(%(tables)s::oid[]))
ORDER BY i.inhrelid, i.inhseqno
