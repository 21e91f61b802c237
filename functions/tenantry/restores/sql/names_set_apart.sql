-- The names of the tables, indexes and materialized views in a schema, as SQL has them.
SELECT quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'i', 'I', 'm')
