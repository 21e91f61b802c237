-- The relations that keys and views refer to by OID, with their names.
SELECT coalesce(json_object_agg(r.oid, json_build_array(n.nspname, r.relname)), '{}')
FROM reached r JOIN pg_namespace n ON n.oid = r.relnamespace
