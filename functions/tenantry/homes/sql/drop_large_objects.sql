-- Large objects are in no schema: any login that may connect can make some.
SELECT count(lo_unlink(l.oid)) FROM pg_largeobject_metadata l JOIN pg_roles r ON r.oid = l.lomowner
WHERE r.rolname = ANY(%s)
