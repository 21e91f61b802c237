-- What spells a schema's name in its text, where a rename of the schema does not reach: bodies and settings of functions, and
-- texts in expressions. Run this with the schema as search_path: what is found there is then written without its name.
-- Every function and operator is qualified with pg_catalog, because otherwise one that the tenant made could be called.
WITH here AS (
    SELECT oid FROM pg_catalog.pg_namespace WHERE nspname::text OPERATOR(pg_catalog.=) %(schema)s::text
),
relation AS (
    SELECT c.oid, c.relname, c.relkind, c.relpartbound
    FROM pg_catalog.pg_class c JOIN here ON c.relnamespace OPERATOR(pg_catalog.=) here.oid
),
routine AS (
    SELECT p.* FROM pg_catalog.pg_proc p JOIN here ON p.pronamespace OPERATOR(pg_catalog.=) here.oid
),
said(kind, name, text) AS (
    SELECT 'function', proname::text, prosrc FROM routine WHERE prosqlbody IS NULL
    UNION ALL
    SELECT 'function', proname::text, pg_catalog.pg_get_function_sqlbody(oid) FROM routine WHERE prosqlbody IS NOT NULL
    UNION ALL
    SELECT 'function', proname::text, pg_catalog.array_to_string(proconfig, ' ') FROM routine
    UNION ALL
    SELECT 'function', proname::text, pg_catalog.pg_get_expr(proargdefaults, 0) FROM routine
    UNION ALL
    SELECT 'view', relname::text, pg_catalog.pg_get_viewdef(oid, true)
    FROM relation WHERE relkind OPERATOR(pg_catalog.=) 'v' OR relkind OPERATOR(pg_catalog.=) 'm'
    UNION ALL
    SELECT 'table', relname::text, pg_catalog.pg_get_expr(relpartbound, oid) FROM relation
    UNION ALL
    SELECT 'table', r.relname::text, pg_catalog.pg_get_expr(t.partexprs, r.oid)
    FROM relation r JOIN pg_catalog.pg_partitioned_table t ON t.partrelid OPERATOR(pg_catalog.=) r.oid
    UNION ALL
    SELECT 'table', r.relname::text, pg_catalog.pg_get_expr(d.adbin, r.oid)
    FROM relation r JOIN pg_catalog.pg_attrdef d ON d.adrelid OPERATOR(pg_catalog.=) r.oid
    UNION ALL
    SELECT 'rule', u.rulename::text, pg_catalog.pg_get_ruledef(u.oid, true)
    FROM relation r JOIN pg_catalog.pg_rewrite u ON u.ev_class OPERATOR(pg_catalog.=) r.oid
    WHERE u.rulename::text OPERATOR(pg_catalog.<>) '_RETURN'
    UNION ALL
    SELECT 'index', x.indexrelid::pg_catalog.regclass::text, e.text
    FROM relation r
    JOIN pg_catalog.pg_index x ON x.indrelid OPERATOR(pg_catalog.=) r.oid
    CROSS JOIN LATERAL (VALUES
        (pg_catalog.pg_get_expr(x.indexprs, r.oid)), (pg_catalog.pg_get_expr(x.indpred, r.oid))
    ) e(text)
    UNION ALL
    SELECT 'policy', p.polname::text, e.text
    FROM relation r
    JOIN pg_catalog.pg_policy p ON p.polrelid OPERATOR(pg_catalog.=) r.oid
    CROSS JOIN LATERAL (VALUES
        (pg_catalog.pg_get_expr(p.polqual, r.oid)), (pg_catalog.pg_get_expr(p.polwithcheck, r.oid))
    ) e(text)
    UNION ALL
    -- A condition has two rows, which no pg_get_expr writes.
    SELECT 'trigger', g.tgname::text, pg_catalog.substr(d.text, pg_catalog.length('CREATE TRIGGER ') OPERATOR(pg_catalog.+)
        pg_catalog.length(pg_catalog.quote_ident(g.tgname::text)))
    FROM relation r JOIN pg_catalog.pg_trigger g ON g.tgrelid OPERATOR(pg_catalog.=) r.oid AND NOT g.tgisinternal
    CROSS JOIN LATERAL (VALUES (pg_catalog.pg_get_triggerdef(g.oid, true))) d(text)
    UNION ALL
    SELECT 'constraint', k.conname::text, pg_catalog.pg_get_constraintdef(k.oid, true)
    FROM pg_catalog.pg_constraint k JOIN here ON k.connamespace OPERATOR(pg_catalog.=) here.oid
    WHERE k.contype OPERATOR(pg_catalog.=) 'c' OR k.contype OPERATOR(pg_catalog.=) 'x'
    UNION ALL
    SELECT 'statistics', s.stxname::text,
        pg_catalog.array_to_string(pg_catalog.pg_get_statisticsobjdef_expressions(s.oid), ' ')
    FROM pg_catalog.pg_statistic_ext s JOIN here ON s.stxnamespace OPERATOR(pg_catalog.=) here.oid
    UNION ALL
    SELECT 'type', t.typname::text, t.typdefault
    FROM pg_catalog.pg_type t JOIN here ON t.typnamespace OPERATOR(pg_catalog.=) here.oid
)
SELECT DISTINCT kind OPERATOR(pg_catalog.||) ' '::text OPERATOR(pg_catalog.||) name
FROM said
WHERE text OPERATOR(pg_catalog.~*) %(word)s::text
ORDER BY 1
