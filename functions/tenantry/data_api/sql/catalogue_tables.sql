SELECT coalesce(json_agg(json_build_array(
    r.nspname,
    r.relname,
    r.relkind IN ('v', 'm'),
    -- Bits: 8 inserts, 4 updates, 16 deletes; a view allows them by its definition or by its triggers.
    CASE
        WHEN r.relkind IN ('r', 'p') THEN 28
        -- pg_relation_is_updatable raises an error for a foreign table whose wrapper has no handler.
        WHEN r.relkind = 'm' OR r.relkind = 'f' AND NOT EXISTS (
            SELECT FROM pg_foreign_table t
            JOIN pg_foreign_server s ON s.oid = t.ftserver
            JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
            WHERE t.ftrelid = r.oid AND w.fdwhandler <> 0
        ) THEN 0
        ELSE pg_relation_is_updatable(r.oid, true)
    END,
    (
        SELECT d.description FROM pg_description d
        WHERE d.objoid = r.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
    ),
    coalesce(members.columns, '[]')
) ORDER BY r.nspname, r.relname), '[]')
FROM relations r
LEFT JOIN (
    SELECT a.attrelid, json_agg(json_build_array(
        a.attname,
        a.atttypid,
        NOT (a.attnotnull OR coalesce(d.not_null, false)),
        CASE
            WHEN a.attgenerated <> '' THEN NULL
            WHEN a.attidentity = 'd' THEN (
                SELECT 'nextval(' || quote_literal(s.objid::regclass) || ')'
                FROM pg_depend s
                WHERE s.refclassid = 'pg_class'::regclass AND s.refobjid = a.attrelid AND s.refobjsubid = a.attnum
                  AND s.classid = 'pg_class'::regclass AND s.deptype = 'i'
            )
            WHEN a.atthasdef THEN (
                SELECT pg_get_expr(e.adbin, e.adrelid) FROM pg_attrdef e
                WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum
            )
            -- A domain's default applies where the column has none.
            WHEN d.oid IS NOT NULL THEN (SELECT pg_get_expr(t.typdefaultbin, 0) FROM pg_type t WHERE t.oid = d.oid)
        END,
        CASE
            WHEN size.modifier < 0 THEN NULL
            WHEN size.base IN ('varchar'::regtype, 'bpchar'::regtype) THEN size.modifier - 4
            WHEN size.base IN ('bit'::regtype, 'varbit'::regtype) THEN size.modifier
        END,
        (
            SELECT c.description FROM pg_description c
            WHERE c.objoid = a.attrelid AND c.classoid = 'pg_class'::regclass AND c.objsubid = a.attnum
        ),
        -- The default's version: a statement that has the default in it asks for this again.
        ROW(
            a.attidentity,
            CASE WHEN a.atthasdef THEN (
                SELECT e.xmin FROM pg_attrdef e WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum
            ) END,
            CASE WHEN d.oid IS NOT NULL THEN (SELECT t.xmin FROM pg_type t WHERE t.oid = d.oid) END
        )::text
    ) ORDER BY a.attnum) AS columns
    FROM columns a
    LEFT JOIN domains d ON d.oid = a.atttypid
    CROSS JOIN LATERAL (
        SELECT coalesce(d.base, a.atttypid) AS base, coalesce(d.modifier, a.atttypmod) AS modifier
    ) size
    GROUP BY a.attrelid
) members ON members.attrelid = r.oid
