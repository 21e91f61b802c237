-- Whether a role logs in or not, as it should, and has no attribute; and whether it has a mark of ours. A role that
-- nobody logs in as may have INHERIT: in PostgreSQL 15 that of a pooled tenant needs it.
SELECT
    rolcanlogin = wanted.login
        AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls OR (rolcanlogin AND rolinherit)),
    (shobj_description(oid, 'pg_authid') LIKE ANY(wanted.marks)) IS TRUE
FROM pg_roles, (SELECT %s AS marks, %s AS login) wanted
WHERE rolname = %s
