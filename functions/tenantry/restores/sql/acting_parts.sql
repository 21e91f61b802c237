-- What of the given tables acts on others, or on who reads them: the kind, and the names of the schema, the table and the
-- part. A foreign key of a partition belongs to a table above it, and would keep the partition from leaving that.
WITH keyed AS (
    SELECT oid FROM unnest(%(tables)s::oid[]) t (oid)
    UNION
    SELECT a.relid::oid
    FROM pg_class c, pg_partition_ancestors(c.oid) a
    WHERE c.oid = ANY(%(tables)s::oid[]) AND c.relispartition
)
SELECT x.kind, n.nspname::text, c.relname::text, x.name::text
FROM (
    SELECT 'CONSTRAINT' AS kind, k.conrelid AS relation, k.conname AS name
    FROM pg_constraint k
    WHERE k.contype = 'f' AND k.conparentid = 0
      AND (k.conrelid IN (SELECT oid FROM keyed) OR k.confrelid IN (SELECT oid FROM keyed))
    UNION ALL
    SELECT 'TRIGGER', t.tgrelid, t.tgname FROM pg_trigger t
    WHERE t.tgrelid = ANY(%(tables)s::oid[]) AND NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT 'RULE', r.ev_class, r.rulename FROM pg_rewrite r WHERE r.ev_class = ANY(%(tables)s::oid[])
    UNION ALL
    SELECT 'POLICY', p.polrelid, p.polname FROM pg_policy p WHERE p.polrelid = ANY(%(tables)s::oid[])
    UNION ALL
    -- Without policies their owner would see no row either.
    SELECT 'FORCE', c.oid, c.relname FROM pg_class c WHERE c.oid = ANY(%(tables)s::oid[]) AND c.relforcerowsecurity
) x
JOIN pg_class c ON c.oid = x.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY 2, 3, 1, 4
