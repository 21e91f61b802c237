-- The tables with a policy besides those that `share_table` makes, which lets somebody see or write more rows, and the roles
-- for which it does ('' is PUBLIC). What is restrictive lets nobody see more. Their number is limited in each schema, so that
-- nobody's own policies hide those of another schema.
SELECT found.nspname::text, found.relname::text, found.roles
FROM (
    SELECT
        n.nspname,
        c.relname,
        ARRAY(SELECT coalesce(r.rolname::text, '') FROM unnest(p.polroles) one LEFT JOIN pg_roles r ON r.oid = one) AS roles,
        row_number() OVER (PARTITION BY n.oid ORDER BY c.relname, p.polname) AS place
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT pg_get_expr(p.polqual, c.oid) AS seen, pg_get_expr(p.polwithcheck, c.oid) AS written) rule
    WHERE p.polpermissive
      AND NOT coalesce(
          p.polcmd = '*' AND rule.seen = rule.written
          AND rule.seen ~ '^\(tenant_id = \( SELECT "substring"\(\(SESSION_USER\)::text, ''\^\(\.\+\)_login_\[ab\]\$''::text\) AS "substring"\)\)$',
          false
      )
) found
WHERE found.place <= %(most)s
