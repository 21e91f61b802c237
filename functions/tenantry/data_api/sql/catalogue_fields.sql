-- Functions that can be called with a table's row as the only argument, in any schema that a search path may name:
-- PostgreSQL lets a query read them like columns of the table.
SELECT coalesce(json_agg(json_build_array(found.nspname, found.relname, found.names)), '[]')
FROM (
    SELECT r.nspname, r.relname, json_agg(DISTINCT p.proname) AS names
    FROM relations r JOIN pg_proc p ON p.proargtypes[0] = r.reltype
    WHERE p.prokind = 'f' AND p.pronargs - p.pronargdefaults <= 1 AND r.reltype <> 0
    GROUP BY r.nspname, r.relname
) found
