-- The bytes of each tenant's rows in a sample of a shared table's pages. REPEATABLE picks the same pages each time, as long
-- as they exist: an estimate that jumps would let a tenant write in one hour and not in the next.
SELECT tenant_id, sum({bytes})::bigint
FROM {table} TABLESAMPLE SYSTEM (%s) REPEATABLE (1)
GROUP BY tenant_id
