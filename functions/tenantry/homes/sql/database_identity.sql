-- A database's owner, and the tenant id in its settings.
SELECT
    pg_get_userbyid(d.datdba)::text,
    (
        SELECT substr(setting, length('tenantry.tenant_id=') + 1)
        FROM pg_db_role_setting s, unnest(s.setconfig) setting
        WHERE s.setdatabase = d.oid AND s.setrole = 0 AND starts_with(setting, 'tenantry.tenant_id=')
    )
FROM pg_database d
WHERE d.datname = %s
