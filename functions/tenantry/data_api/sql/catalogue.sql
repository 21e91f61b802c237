-- The content of the schemas %(schemas)s, and the keys between tables, as one JSON value. The message that carries this
-- query also sets, for its own transaction, a search path under which type names appear in full.
WITH RECURSIVE exposed AS MATERIALIZED (
    SELECT n.oid, n.nspname FROM pg_namespace n WHERE n.nspname = ANY (%(schemas)s::name[])
), relations AS MATERIALIZED (
    -- A partition is exposed only through its parent table.
    SELECT n.nspname, c.oid, c.relname, c.relkind, c.reltype
    FROM exposed n JOIN pg_class c ON c.relnamespace = n.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
), layers AS (
    -- A domain may be based on a domain. Only the lowest one can limit a value's length; each one can forbid NULL.
    SELECT t.oid, t.typbasetype AS base, t.typtypmod AS modifier, t.typnotnull AS not_null
    FROM pg_type t WHERE t.typtype = 'd'
    UNION ALL
    SELECT l.oid, t.typbasetype, greatest(l.modifier, t.typtypmod), l.not_null OR t.typnotnull
    FROM layers l JOIN pg_type t ON t.oid = l.base AND t.typtype = 'd'
), domains AS MATERIALIZED (
    SELECT l.oid, l.base, l.modifier, l.not_null
    FROM layers l JOIN pg_type t ON t.oid = l.base AND t.typtype <> 'd'
), functions AS MATERIALIZED (
    SELECT n.nspname, p.oid, p.proname, p.pronargs, p.pronargdefaults, p.proargtypes, p.proallargtypes, p.proargnames,
        p.proargmodes, p.prorettype, p.proretset, p.prorows, p.provolatile,
        p.proconfig
    FROM exposed n JOIN pg_proc p ON p.pronamespace = n.oid
    WHERE p.prokind = 'f' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
), returned AS MATERIALIZED (
    -- The relations whose rows functions return, exposed or not.
    SELECT DISTINCT t.typrelid AS oid
    FROM functions f
    LEFT JOIN domains d ON d.oid = f.prorettype
    JOIN pg_type t ON t.oid = coalesce(d.base, f.prorettype)
    WHERE t.typrelid <> 0
), seen AS (
    -- The exposed relations, those whose rows functions return, and everything that their views select from, exposed or
    -- not: a view can show a key of a table in another schema. The rest of the database, which tenants may share, is not
    -- read.
    SELECT r.oid FROM relations r
    UNION
    SELECT r.oid FROM returned r
    UNION
    SELECT d.refobjid
    FROM seen s
    JOIN pg_rewrite w ON w.ev_class = s.oid AND w.ev_type = '1'
    JOIN pg_depend d
        ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
), reached AS MATERIALIZED (
    SELECT c.oid, c.relnamespace, c.relname, c.relkind
    FROM seen s JOIN pg_class c ON c.oid = s.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
), columns AS MATERIALIZED (
    -- OFFSET 0 makes the planner use the index, here and below: a new database has no statistics to choose a plan by.
    SELECT a.*
    FROM relations r
    CROSS JOIN LATERAL (
        SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated,
            a.atthasdef
        FROM pg_attribute a
        WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        OFFSET 0
    ) a
), media_types AS (
    -- Domains that are called like media types (RFC 6838), or like all of them.
    SELECT d.oid, d.base, lower(t.typname) AS media
    FROM domains d JOIN pg_type t ON t.oid = d.oid
    WHERE t.typname = '*/*' OR t.typname ~ '^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$'
), arguments AS MATERIALIZED (
    -- Input parameters. The arrays of names and modes include the results; defaults belong to the last input parameters.
    SELECT f.oid, g.place, g.type, g.name, g.mode = 'v' AS variadic,
        row_number() OVER (PARTITION BY f.oid ORDER BY g.place) <= f.pronargs - f.pronargdefaults AS required
    FROM functions f
    CROSS JOIN LATERAL (
        SELECT u.place, u.type, coalesce(u.name, '') AS name, coalesce(u.mode, 'i') AS mode
        FROM unnest(coalesce(f.proallargtypes, f.proargtypes::oid[]), f.proargnames, f.proargmodes)
            WITH ORDINALITY AS u (type, name, mode, place)
    ) g
    WHERE g.mode IN ('i', 'b', 'v')
)
SELECT json_build_object(
    'relations', ({relations}),
    'tables', ({tables}),
    'types', ({types}),
    'keys', ({keys}),
    'view_columns', ({view_columns}),
    'routines', ({routines}),
    'returned', ({returned}),
    'computed', ({computed}),
    'fields', ({fields}),
    'conversions', ({conversions}),
    'handlers', ({handlers}),
    'geojson', ({geojson})
)
