-- The columns of a view that show a column of a table, or of another view, unchanged. PostgreSQL records that in the view's
-- rule, in the target entries of its queries, and stores the rule as text in nested braces:
--     ({QUERY ... :targetList ({TARGETENTRY :expr {...} :resno 1 ... :resorigtbl 16384 :resorigcol 1 ...} ...) ...})
-- Sub-selects, aggregates and the like contain entries too, so an entry counts only where exactly one brace, that of the
-- outermost query, is open before it.
SELECT coalesce(json_agg(json_build_array(
    e.view,
    (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = e.view AND a.attnum = e.number),
    e.origin,
    (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = e.origin AND a.attnum = e.origin_number)
) ORDER BY e.view, e.number), '[]')
FROM (
    SELECT
        parts.view,
        split_part(split_part(parts.part, ' :resno ', 2), ' ', 1)::int2 AS number,
        split_part(split_part(parts.part, ' :resorigtbl ', 2), ' ', 1)::oid AS origin,
        split_part(split_part(parts.part, ' :resorigcol ', 2), ' ', 1)::int2 AS origin_number
    FROM (
        SELECT tree.view, split.part, split.place - 2 + sum(
            length(replace(split.part, '}', '')) - length(replace(split.part, '{', ''))
        ) OVER (PARTITION BY tree.view ORDER BY split.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS open
        FROM (
            -- Within names, the text escapes special characters with a backslash, the backslash included.
            SELECT r.oid AS view,
                replace(replace(replace(w.ev_action::text, E'\\\\', ''), E'\\{', ''), E'\\}', '') AS text
            FROM reached r
            JOIN pg_rewrite w ON w.ev_class = r.oid AND w.ev_type = '1'
            WHERE r.relkind IN ('v', 'm')
        ) tree
        CROSS JOIN LATERAL string_to_table(tree.text, '{TARGETENTRY ') WITH ORDINALITY AS split (part, place)
    ) parts
    -- An entry that contains entries, or has no origin, does not show a column unchanged. A space within a name is escaped
    -- too, so the searched texts can't be part of a name.
    WHERE parts.open = 1 AND strpos(parts.part, ' :resno ') > 0 AND strpos(parts.part, ' :resorigtbl 0 ') = 0
    OFFSET 0
) e
