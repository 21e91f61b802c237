-- The bytes of everything in a schema, with indexes and what is stored out of line; no row where there is no schema.
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)
FROM pg_namespace n
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'm', 'S')
WHERE n.nspname = %s
GROUP BY n.oid
