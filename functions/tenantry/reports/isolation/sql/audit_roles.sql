-- Every role with its attributes that could break the isolation between tenants, and its connection limit, and whether we made it.
SELECT
    rolname::text,
    rolcanlogin,
    rolconnlimit,
    array_remove(ARRAY[
        CASE WHEN rolsuper THEN 'SUPERUSER' END,
        CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
        CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
        CASE WHEN rolcreatedb THEN 'CREATEDB' END,
        CASE WHEN rolreplication THEN 'REPLICATION' END,
        CASE WHEN rolinherit THEN 'INHERIT' END
    ], NULL),
    coalesce(starts_with(shobj_description(oid, 'pg_authid'), 'tenantry tenant='), false)
FROM pg_roles
ORDER BY 1
