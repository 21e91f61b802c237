-- The table that holds the long values of a table, given by its OID, and the bytes of that.
SELECT t.relname::text, pg_relation_size(t.oid)
FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE c.oid = %s
