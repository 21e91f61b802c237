-- The bytes of everything in a schema, with indexes and TOAST tables; no row if the schema does not exist.
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)
FROM pg_namespace n
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'm', 'S')
WHERE n.nspname = %s
GROUP BY n.oid
