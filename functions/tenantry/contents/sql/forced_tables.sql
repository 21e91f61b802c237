-- The tables whose policies bind this role: its own, where they bind their owner, and those of roles that this session may
-- become. Who owns each, and whether that is this role.
SELECT r.rolname::text, pg_catalog.pg_has_role(c.relowner, 'USAGE'), n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) c.relowner
WHERE CASE WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN c.relforcerowsecurity ELSE c.relrowsecurity END
  AND pg_catalog.pg_has_role(SESSION_USER, c.relowner, 'MEMBER')
  AND c.relkind IN ('r', 'p')
ORDER BY c.oid
