-- The tables that change hands, in the order in which writers lock them: a table with a foreign key before the table
-- that it points to. Partitions are locked with their table.
WITH RECURSIVE pointed(child, parent) AS (
    SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid
    UNION
    SELECT pointed.child, c.confrelid FROM pointed JOIN pg_constraint c ON c.contype = 'f' AND c.conrelid = pointed.parent
)
SELECT n.nspname::text, c.relname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relowner = (SELECT oid FROM pg_roles WHERE rolname = %s)
    AND c.relkind IN ('r', 'p')
    AND c.relpersistence <> 't'
    AND NOT c.relispartition
ORDER BY (SELECT count(*) FROM pointed WHERE pointed.child = c.oid) DESC, c.oid
