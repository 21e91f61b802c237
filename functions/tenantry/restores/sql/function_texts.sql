-- Of the given objects the functions whose body is text, in which PostgreSQL does not see what it names: the oid of their
-- catalogue, their own, their name and the text.
SELECT 'pg_proc'::regclass::oid, p.oid, p.proname::text, p.prosrc
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid = ANY(%(functions)s::oid[]) AND p.prosqlbody IS NULL AND p.prokind <> 'a' AND l.lanname NOT IN ('internal', 'c')
