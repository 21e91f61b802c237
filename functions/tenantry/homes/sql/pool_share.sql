-- A tenant's rows in a shared table, and its share of the table's bytes, from the number of rows as last estimated.
SELECT own.rows, (pg_total_relation_size(c.oid) * own.rows / greatest(c.reltuples, own.rows, 1))::bigint
FROM pg_class c, (SELECT count(*) AS rows FROM {table} WHERE tenant_id = {tenant}) own
WHERE c.oid = {name}::regclass
