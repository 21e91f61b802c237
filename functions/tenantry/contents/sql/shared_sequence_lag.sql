-- By how many values a shared sequence has to advance past one tenant's rows, and its position afterwards. A value that a
-- shared sequence elsewhere has assigned advances the sequence to that value. The tenant has chosen any other value itself,
-- which can collide only with its own rows; such a row advances the sequence no further than inserting it would have. Half
-- of the remaining values always stay free for the other tenants.
WITH sequence AS (
    SELECT
        s.last_value::numeric - CASE WHEN s.is_called THEN 0 ELSE p.seqincrement END AS present,
        p.seqincrement::numeric AS step,
        sign(p.seqincrement::numeric) AS way,
        CASE WHEN p.seqincrement > 0 THEN p.seqmax ELSE p.seqmin END::numeric AS last
    FROM {sequence} s, pg_sequence p
    WHERE p.seqrelid = {name}::regclass AND NOT p.seqcycle
), ahead AS (
    SELECT
        count(*) AS rows,
        max(q.way * t.{column}) - max(q.way * q.present) AS furthest,
        max(q.way * t.{column}) FILTER (WHERE q.way * t.{column} <= q.way * {given}::numeric) - max(q.way * q.present) AS given
    FROM {table} t, sequence q
    WHERE t.{tenant} = {tenant_id} AND q.way * t.{column} > q.way * q.present
), lag AS (
    SELECT
        floor(least(
            ceil(greatest(a.given, least(a.furthest, a.rows * abs(q.step))) / abs(q.step)),
            q.way * (q.last - q.present) / abs(q.step) / 2
        )) AS steps,
        q.present,
        q.step
    FROM ahead a, sequence q
)
SELECT steps::bigint, (present + steps * step)::bigint FROM lag WHERE steps > 0
