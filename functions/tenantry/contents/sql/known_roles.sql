-- Every role: whether this administrator has its rights, and whether it may own what a tenant has made. Functions, views and
-- indexes run with their owner's rights, and what is in a backup could be anything by the time it is restored: so never a
-- role with an attribute, a predefined role or another tenant's.
SELECT
    r.rolname::text,
    pg_has_role(r.oid, 'USAGE'),
    NOT (r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls)
        AND r.rolname !~ '^pg_'
        AND NOT starts_with(coalesce(shobj_description(r.oid, 'pg_authid'), ''), 'tenantry ')
        AND NOT EXISTS (
            SELECT FROM pg_roles p
            WHERE p.rolname ~ '^pg_' AND p.rolname <> 'pg_database_owner' AND pg_has_role(r.oid, p.oid, 'MEMBER')
        )
FROM pg_roles r
