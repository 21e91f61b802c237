-- Aggregates whose result is a domain with the name of a media type: each makes rows of one table, or of anything, into an
-- answer of that type. Of two that do the same, the first by name counts.
SELECT coalesce(json_agg(json_build_array(
    n.nspname,
    p.proname,
    r.nspname,
    r.relname,
    m.media,
    m.base = 'bytea'::regtype,
    p.oid::bigint
) ORDER BY n.nspname DESC, p.proname DESC), '[]')
FROM exposed n
JOIN pg_proc p ON p.pronamespace = n.oid AND p.prokind = 'a' AND p.pronargs = 1
JOIN pg_aggregate a ON a.aggfnoid = p.oid AND a.aggkind = 'n'
JOIN media_types m ON m.oid = p.prorettype
LEFT JOIN relations r ON r.reltype = p.proargtypes[0]
WHERE r.oid IS NOT NULL OR p.proargtypes[0] = 'anyelement'::regtype
