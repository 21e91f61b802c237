-- How many large objects some roles have in this database.
SELECT count(*) FROM pg_largeobject_metadata l JOIN pg_roles r ON r.oid = l.lomowner WHERE r.rolname = ANY(%s)
