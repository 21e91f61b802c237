-- Whether the login for a tenant's dumps reads, or can be let read, whatever the tenant's own roles own in its home: past
-- policies, and everything in a database of its own, and in a schema what the owner may and what is lent to it.
SELECT l.rolbypassrls AND CASE WHEN %(own)s
       THEN pg_has_role(l.oid, 'pg_read_all_data', 'USAGE')
            AND coalesce('lo_compat_privileges=on' = ANY (l.rolconfig), false)
       ELSE pg_has_role(l.oid, o.oid, 'USAGE')
       END
FROM pg_roles l, pg_roles o
WHERE l.rolname = %(login)s AND o.rolname = %(owner)s
