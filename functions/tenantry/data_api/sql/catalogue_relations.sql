-- What keys and views lead to and from, each named once by its number.
SELECT coalesce(json_object_agg(r.oid, json_build_array(n.nspname, r.relname)), '{}')
FROM reached r JOIN pg_namespace n ON n.oid = r.relnamespace
