-- The number of large objects that the given roles own in this database.
SELECT count(*) FROM pg_largeobject_metadata l JOIN pg_roles r ON r.oid = l.lomowner WHERE r.rolname = ANY(%s)
