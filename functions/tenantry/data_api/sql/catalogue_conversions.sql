-- The implicit casts with which domains of columns are shown as json or text, and read from them. PostgreSQL itself ignores
-- casts of domains, so their functions are called by name.
SELECT coalesce(json_agg(json_build_array(
    way.domain,
    way.form,
    n.nspname,
    p.proname,
    format_type(p.proargtypes[0], -1)
)), '[]')
FROM pg_cast c
CROSS JOIN LATERAL (
    VALUES
        (c.castsource, 'to_json', c.casttarget = 'json'::regtype),
        (c.casttarget, 'from_json', c.castsource = 'json'::regtype),
        (c.castsource, 'to_text', c.casttarget = 'text'::regtype),
        (c.casttarget, 'from_text', c.castsource = 'text'::regtype)
) way (domain, form, counts)
JOIN pg_type t ON t.oid = way.domain AND t.typtype = 'd'
JOIN pg_proc p ON p.oid = c.castfunc AND p.pronargs = 1
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE c.castcontext = 'i' AND c.castmethod = 'f' AND way.counts
  AND EXISTS (SELECT FROM columns a WHERE a.atttypid = way.domain)
