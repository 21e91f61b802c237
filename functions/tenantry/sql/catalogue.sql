-- What the schemas of %(schemas)s hold, and all keys, as one JSON value. Types are written as they are under an empty
-- search path, which the message that carries this sets for its own transaction.
WITH RECURSIVE exposed AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (%(schemas)s)
), own AS MATERIALIZED (
    -- Everything that is not the system's: a path between two exposed tables may lead over views that are not.
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltype, c.relnamespace
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND NOT pg_is_other_temp_schema(n.oid)
), bases AS (
    -- Of each domain the type that it stands on, however many domains are between.
    SELECT oid, typbasetype AS base FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT b.oid, t.typbasetype FROM bases b JOIN pg_type t ON t.oid = b.base AND t.typtype = 'd'
), base_types AS (
    SELECT b.oid, b.base FROM bases b JOIN pg_type t ON t.oid = b.base AND t.typtype <> 'd'
), columns AS (
    SELECT
        a.attrelid,
        json_agg(json_build_array(
            a.attname,
            format_type(a.atttypid, NULL),
            format_type(coalesce(b.base, a.atttypid), NULL),
            NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)),
            CASE
                WHEN a.attgenerated <> '' OR a.attidentity = 'a' THEN NULL
                WHEN a.attidentity = 'd' THEN format('nextval(%%L)', sequence.objid::regclass)
                WHEN d.adbin IS NOT NULL THEN pg_get_expr(d.adbin, d.adrelid)
                WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0)
            END,
            CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4
                THEN a.atttypmod - 4
            END,
            (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)
             FROM pg_enum e WHERE e.enumtypid = coalesce(b.base, a.atttypid)),
            col_description(a.attrelid, a.attnum)
        ) ORDER BY a.attnum) AS found
    FROM own
    JOIN exposed ON exposed.oid = own.relnamespace
    JOIN pg_attribute a ON a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN base_types b ON b.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_depend sequence
        ON sequence.refclassid = 'pg_class'::regclass AND sequence.refobjid = a.attrelid
        AND sequence.refobjsubid = a.attnum AND sequence.classid = 'pg_class'::regclass AND sequence.deptype = 'i'
    GROUP BY a.attrelid
), tables AS (
    SELECT json_build_array(
        own.nspname, own.relname, own.relkind IN ('v', 'm'),
        -- Bits of pg_relation_is_updatable: 8 inserts, 4 updates, 16 deletes.
        CASE WHEN own.relkind IN ('r', 'p') THEN 28 WHEN own.relkind = 'm' THEN 0
            ELSE pg_relation_is_updatable(own.oid, true) END,
        obj_description(own.oid, 'pg_class'),
        coalesce(columns.found, '[]')
    ) AS found
    FROM own JOIN exposed ON exposed.oid = own.relnamespace
    LEFT JOIN columns ON columns.attrelid = own.oid
), keys AS (
    SELECT json_build_array(
        k.contype, k.conname, own.nspname, own.relname,
        (SELECT json_agg(a.attname ORDER BY place)
         FROM unnest(k.conkey) WITH ORDINALITY AS _ (number, place)
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = number),
        other.nspname, other.relname,
        (SELECT json_agg(a.attname ORDER BY place)
         FROM unnest(k.confkey) WITH ORDINALITY AS _ (number, place)
         JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = number)
    ) AS found
    FROM pg_constraint k
    JOIN own ON own.oid = k.conrelid
    LEFT JOIN own other ON other.oid = k.confrelid
    -- What a partition has of its parent's key is not another key.
    WHERE k.contype IN ('p', 'u', 'f') AND k.conparentid = 0 AND (k.contype <> 'f' OR other.oid IS NOT NULL)
), tokens AS (
    -- A view's rule as it is stored is nested in braces. Only the ends of target entries and braces that are no part
    -- of a name (which has a backslash before them) matter here.
    SELECT own.oid, found.place, found.token
    FROM own
    JOIN pg_rewrite r ON r.ev_class = own.oid AND r.rulename = '_RETURN'
    CROSS JOIN LATERAL (
        SELECT place, token
        FROM regexp_matches(
            r.ev_action::text,
            '(?<!\\)[{}]|:resno \d+ :resname (?:\\.|[^ \\])+ :ressortgroupref \d+ :resorigtbl \d+ :resorigcol \d+',
            'g'
        ) WITH ORDINALITY AS _ (token, place)
    ) found
    WHERE own.relkind IN ('v', 'm')
), levels AS (
    SELECT oid, token[1] AS token,
        sum(CASE token[1] WHEN '{' THEN 1 WHEN '}' THEN -1 ELSE 0 END) OVER (PARTITION BY oid ORDER BY place) AS level
    FROM tokens
), sources AS (
    -- Inside the query and inside the entry: the second level is the view's own list, all below are sub-selects'.
    SELECT oid, regexp_match(token, '^:resno (\d+).* :resorigtbl (\d+) :resorigcol (\d+)$') AS part
    FROM levels WHERE level = 2 AND token LIKE ':resno%%'
), view_columns AS (
    SELECT json_build_array(view.nspname, view.relname, a.attname, base.nspname, base.relname, origin.attname) AS found
    FROM sources
    JOIN own view ON view.oid = sources.oid
    JOIN pg_attribute a ON a.attrelid = view.oid AND a.attnum = part[1]::int AND NOT a.attisdropped
    JOIN own base ON base.oid = part[2]::oid
    JOIN pg_attribute origin ON origin.attrelid = base.oid AND origin.attnum = part[3]::int
    ORDER BY view.nspname, view.relname, a.attnum
), routines AS (
    SELECT p.oid, p.pronargs, n.nspname, p.proname,
        coalesce(b.base, p.prorettype) AS returned,
        p.proretset, p.provolatile,
        coalesce(p.proargmodes::text[] && '{t,b,o}', false) AS has_out,
        (SELECT coalesce(json_agg(json_build_array(
            coalesce(argument.name, ''),
            CASE
                -- These would mean a length of 1, and cut off what is longer.
                WHEN argument.type = 'bit'::regtype THEN 'bit varying'
                WHEN argument.type = 'bpchar'::regtype THEN 'character varying'
                ELSE format_type(argument.type, NULL)
            END,
            argument.place <= p.pronargs - p.pronargdefaults,
            p.provariadic <> 0 AND argument.place = p.pronargs
        ) ORDER BY argument.place), '[]')
         FROM (
            SELECT given.type, row_number() OVER (ORDER BY given.place) AS place, named.name
            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS given (type, place)
            LEFT JOIN (
                SELECT name, row_number() OVER (ORDER BY place) AS place
                FROM unnest(p.proargnames, p.proargmodes) WITH ORDINALITY AS _ (name, mode, place)
                WHERE mode IS NULL OR mode IN ('i', 'b', 'v')
            ) named ON named.place = given.place
         ) argument) AS arguments,
        obj_description(p.oid, 'pg_proc') AS comment
    FROM pg_proc p
    JOIN exposed n ON n.oid = p.pronamespace
    LEFT JOIN base_types b ON b.oid = p.prorettype
    WHERE p.prokind = 'f' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
), functions AS (
    SELECT json_build_array(
        r.nspname, r.proname, r.arguments, tn.nspname, coalesce(c.relname, t.typname),
        r.proretset, t.typtype = 'c' OR r.has_out, r.provolatile, r.comment
    ) AS found
    FROM routines r
    JOIN pg_type t ON t.oid = r.returned
    JOIN pg_namespace tn ON tn.oid = t.typnamespace
    LEFT JOIN pg_class c ON c.oid = t.typrelid AND t.typrelid <> 0
    ORDER BY r.nspname, r.proname, r.pronargs, r.oid
), computed AS (
    -- From a row to a row: a relationship that somebody wrote.
    SELECT json_build_array(
        pn.nspname, p.proname, origin.nspname, origin.relname, target.nspname, target.relname,
        NOT p.proretset OR p.prorows = 1
    ) AS found
    FROM pg_proc p
    JOIN pg_namespace pn ON pn.oid = p.pronamespace
    JOIN own origin ON origin.reltype = p.proargtypes[0]
    JOIN own target ON target.reltype = p.prorettype
    WHERE p.pronargs = 1 AND p.prokind = 'f'
)
SELECT json_build_object(
    'tables', (SELECT coalesce(json_agg(found), '[]') FROM tables),
    'keys', (SELECT coalesce(json_agg(found), '[]') FROM keys),
    'view_columns', (SELECT coalesce(json_agg(found), '[]') FROM view_columns),
    'functions', (SELECT coalesce(json_agg(found), '[]') FROM functions),
    'computed', (SELECT coalesce(json_agg(found), '[]') FROM computed)
)
