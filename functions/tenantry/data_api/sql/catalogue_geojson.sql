-- PostGIS's function that writes a row as a feature, in whichever schema it was installed.
SELECT json_build_array(n.nspname, p.proname)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = 'st_asgeojson' AND p.prokind = 'f' AND p.proargtypes[0] = 'record'::regtype
  AND p.pronargs - p.pronargdefaults <= 1 AND p.prorettype IN ('text'::regtype, 'json'::regtype, 'jsonb'::regtype)
ORDER BY n.nspname
LIMIT 1
