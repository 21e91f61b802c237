-- The tables of a schema with the numbers of their rows, as the last ANALYZE has estimated them; -1: there was none yet.
SELECT c.relname::text, c.reltuples::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND c.relname = ANY (%s)
