-- Computed relationships: functions that take a table's row and return rows of a table.
SELECT coalesce(json_agg(json_build_array(
    f.nspname,
    f.proname,
    origin.nspname,
    origin.relname,
    target.nspname,
    target.relname,
    NOT f.proretset OR f.prorows = 1,
    target.oid::bigint
) ORDER BY f.nspname, f.proname, origin.nspname, origin.relname), '[]')
FROM functions f
JOIN relations origin ON origin.reltype = f.proargtypes[0]
JOIN relations target ON target.reltype = f.prorettype
WHERE f.pronargs = 1
