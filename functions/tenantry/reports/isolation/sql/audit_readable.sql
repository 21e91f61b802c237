-- Those of the given tables (arrays of schemas and names) of which one of the given roles ('none' is the login itself) may
-- read a column. The query reads no rows: functions in another tenant's view or policy would run with the reader's rights.
SELECT t.number::int
FROM unnest(%(schemas)s::text[], %(names)s::text[]) WITH ORDINALITY t (schema, name, number)
JOIN pg_namespace n ON n.nspname = t.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name
WHERE EXISTS (
    SELECT
    FROM unnest(%(roles)s::text[]) role (name)
    JOIN pg_roles r ON r.rolname = CASE role.name WHEN 'none' THEN session_user ELSE role.name END
    WHERE has_schema_privilege(r.oid, n.oid, 'USAGE') AND has_any_column_privilege(r.oid, c.oid, 'SELECT')
)
ORDER BY 1
