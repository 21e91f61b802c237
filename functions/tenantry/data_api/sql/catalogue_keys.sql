-- The keys of all reached tables. The catalogue's reader leaves out foreign keys to tables that are not reached, and the
-- copies that PostgreSQL keeps for each partition of a referenced table.
SELECT coalesce(json_agg(json_build_array(
    k.contype,
    k.conname,
    k.conrelid,
    ARRAY(
        SELECT (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = u.number)
        FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
        ORDER BY u.place
    ),
    nullif(k.confrelid, 0),
    ARRAY(
        SELECT (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = u.number)
        FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
        ORDER BY u.place
    )
) ORDER BY r.relname, k.conname, k.conrelid), '[]')
FROM reached r
CROSS JOIN LATERAL (
    SELECT k.contype, k.conname, k.conrelid, k.conkey, k.confrelid, k.confkey
    FROM pg_constraint k
    WHERE k.conrelid = r.oid AND k.contype IN ('p', 'u', 'f')
    OFFSET 0
) k
