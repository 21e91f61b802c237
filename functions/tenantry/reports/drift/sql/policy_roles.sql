-- The roles that each policy of a schema's tables is for, with `@` for the schema: a policy that is for everybody instead of
-- the tables' owner opens them to everybody.
SELECT
    '@.' || quote_ident(c.relname) || '.' || quote_ident(p.polname),
    (
        SELECT string_agg(CASE role WHEN 0 THEN '' ELSE pg_get_userbyid(role) END, ',' ORDER BY role)
        FROM unnest(p.polroles) role
    )
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s
