-- Every database that accepts connections: who may connect ('' is PUBLIC), and the tenant id in its settings.
SELECT
    d.datname::text,
    ARRAY(
        SELECT DISTINCT coalesce(g.rolname::text, '')
        FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
        LEFT JOIN pg_roles g ON g.oid = a.grantee
        WHERE a.privilege_type = 'CONNECT'
    ),
    (
        SELECT substr(setting, length('tenantry.tenant_id=') + 1)
        FROM pg_db_role_setting s, unnest(s.setconfig) setting
        WHERE s.setdatabase = d.oid AND s.setrole = 0 AND starts_with(setting, 'tenantry.tenant_id=')
    )
FROM pg_database d
WHERE d.datallowconn
ORDER BY 1
