-- Functions that a request can call: either all parameters have names, or the only one has none and takes the whole body.
SELECT coalesce(json_agg(json_build_array(
    f.nspname,
    f.proname,
    coalesce(given.parameters, '[]'),
    n.nspname,
    coalesce(c.relname, t.typname),
    f.proretset,
    -- Results with a parameter mode (OUT, INOUT, TABLE) are columns.
    t.typtype = 'c' OR coalesce(f.proargmodes && '{o,b,t}'::"char"[], false),
    f.provolatile,
    (
        SELECT e.description FROM pg_description e
        WHERE e.objoid = f.oid AND e.classoid = 'pg_proc'::regclass AND e.objsubid = 0
    ),
    f.oid::bigint,
    -- Within the function these would come too late. Of how a time is written PostgreSQL has the last word: it is asked by
    -- a setting of the same kind, which has no effect here.
    coalesce((
        SELECT json_agg(CASE WHEN starts_with(setting, 'statement_timeout=') THEN 'statement_timeout=' || set_config(
            'idle_in_transaction_session_timeout', substr(setting, 19), true
        ) ELSE setting END ORDER BY setting)
        FROM unnest(f.proconfig) setting
        WHERE setting ~ '^(statement_timeout|default_transaction_isolation|plan_filter\.[a-z_]+)='
    ), '[]'),
    CASE WHEN NOT f.proretset THEN m.media END,
    t.typrelid::bigint
) ORDER BY f.nspname, f.proname, f.pronargs, given.types), '[]')
FROM functions f
LEFT JOIN domains d ON d.oid = f.prorettype
LEFT JOIN media_types m ON m.oid = f.prorettype
JOIN pg_type t ON t.oid = coalesce(d.base, f.prorettype)
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
LEFT JOIN (
    SELECT
        a.oid,
        json_agg(json_build_array(a.name, a.type, a.required, a.variadic) ORDER BY a.place) AS parameters,
        array_agg(format_type(a.type, NULL) ORDER BY a.place) AS types,
        bool_and(a.name <> '') OR count(*) = 1 AND bool_and(a.type IN (
            'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype, 'bytea'::regtype
        )) AS callable
    FROM arguments a
    GROUP BY a.oid
) given ON given.oid = f.oid
WHERE given.oid IS NULL OR given.callable
