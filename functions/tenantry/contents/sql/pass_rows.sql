-- Advances a tenant's own sequence past the values in its rows. Only rows in the first half of the sequence's range count:
-- a tenant that has used the last value on purpose still gets new ones.
-- A value that the sequence would give out next, as one that has given none out yet, is a used one too.
SELECT setval(p.seqrelid, rows.furthest::bigint)
FROM {sequence} s
JOIN pg_sequence p ON p.seqrelid = {name}::regclass
CROSS JOIN LATERAL (
    SELECT CASE WHEN p.seqincrement > 0 THEN max({column}) ELSE min({column}) END AS furthest
    FROM {table}
    WHERE {column} BETWEEN
        CASE WHEN p.seqincrement > 0 THEN p.seqmin ELSE (p.seqmin::numeric + p.seqmax) / 2 END
        AND CASE WHEN p.seqincrement > 0 THEN (p.seqmin::numeric + p.seqmax) / 2 ELSE p.seqmax END
) rows
WHERE NOT p.seqcycle
  AND sign(p.seqincrement::numeric) * (rows.furthest::numeric - s.last_value) >= s.is_called::int
