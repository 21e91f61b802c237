-- The event triggers of a database of the tenant's own, except those of extensions.
SELECT e.evtname::text
FROM pg_event_trigger e
WHERE %(own)s
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e'
  )
ORDER BY 1
