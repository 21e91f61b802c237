-- Whether a role can or can't log in, as wanted, and has no attribute; and whether it has one of our marks. A role
-- without login may have INHERIT: in PostgreSQL 15, the roles of a pooled tenant need it.
SELECT
    rolcanlogin = wanted.login
        AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls OR (rolcanlogin AND rolinherit)),
    (shobj_description(oid, 'pg_authid') LIKE ANY(wanted.marks)) IS TRUE
FROM pg_roles, (SELECT %s AS marks, %s AS login) wanted
WHERE rolname = %s
