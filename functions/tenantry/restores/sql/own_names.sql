-- The names of the tenant's own tables and the like, and of its functions: what a text may mean.
SELECT x.name::text
FROM (
    SELECT relname, relnamespace, 'pg_class'::regclass, oid FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT proname, pronamespace, 'pg_proc'::regclass, oid FROM pg_proc
) x (name, space, class, object)
JOIN pg_namespace n ON n.oid = x.space
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.class AND d.objid = x.object AND d.deptype = 'e')
