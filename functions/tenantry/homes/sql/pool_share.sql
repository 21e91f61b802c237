-- The number of a tenant's rows in a shared table, and its share of the table's bytes, by the estimated number of all rows.
SELECT own.rows, (pg_total_relation_size(c.oid) * own.rows / greatest(c.reltuples, own.rows, 1))::bigint
FROM pg_class c, (SELECT count(*) AS rows FROM {table} WHERE tenant_id = {tenant}) own
WHERE c.oid = {name}::regclass
