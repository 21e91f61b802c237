-- What current_user may use in the schemas of $1, a JSON array of names: for each table its privileges, and its columns
-- if only some may be used; for each function the types of its input parameters. One row: the number of tables and
-- functions, the JSON, and what the session is like by then (a function may have come before this statement).
WITH quiet AS MATERIALIZED (
    -- Empties the search path for this statement's transaction, so that type names are written in full. The query below
    -- uses the result, so the setting takes effect before any type is written.
    SELECT set_config('search_path', '', true) AS path
), exposed AS (
    SELECT n.oid, n.nspname
    FROM pg_namespace n
    WHERE n.nspname IN (SELECT json_array_elements_text($1::json))
      AND has_schema_privilege(n.oid, 'USAGE')
), relations AS (
    SELECT
        n.nspname,
        c.relname,
        array_remove(ARRAY[
            CASE WHEN has_any_column_privilege(c.oid, 'SELECT') THEN 'SELECT' END,
            CASE WHEN has_any_column_privilege(c.oid, 'INSERT') THEN 'INSERT' END,
            CASE WHEN has_any_column_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
            CASE WHEN has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END
        ], NULL) AS privileges,
        CASE WHEN NOT has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE') THEN (
            SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
            FROM pg_attribute a
            WHERE a.attrelid = c.oid
              AND a.attnum > 0
              AND NOT a.attisdropped
              AND has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE')
        ) END AS columns
    FROM exposed n JOIN pg_class c ON c.relnamespace = n.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
SELECT
    tables.number + routines.number,
    json_build_object('tables', tables.found, 'routines', routines.found)::text,
    {state}
FROM quiet
CROSS JOIN LATERAL (
    SELECT
        count(*) AS number,
        coalesce(json_agg(json_build_array(r.nspname, r.relname, r.privileges, r.columns)), '[]') AS found
    FROM relations r
    WHERE r.privileges <> '{}'
) tables
CROSS JOIN LATERAL (
    SELECT
        count(*) AS number,
        coalesce(json_agg(json_build_array(n.nspname, p.proname, (
            SELECT coalesce(json_agg(format_type(given.type, NULL) ORDER BY given.place), '[]')
            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS given (type, place)
        ))), '[]') AS found
    FROM exposed n JOIN pg_proc p ON p.pronamespace = n.oid
    WHERE quiet.path = ''
      AND p.prokind = 'f'
      AND has_function_privilege(p.oid, 'EXECUTE')
) routines
