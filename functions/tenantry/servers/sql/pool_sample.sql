-- The bytes of each tenant's rows in some pages of a shared table. It is the same pages each time, as long as the table has
-- them: an estimate that jumps would let a tenant write in one hour and not in the next.
SELECT tenant_id, sum({bytes})::bigint
FROM {table} TABLESAMPLE SYSTEM (%s) REPEATABLE (1)
GROUP BY tenant_id
