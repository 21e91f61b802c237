-- Whether some role has a tenant id in its settings for a database.
SELECT EXISTS (
    SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) setting
    WHERE d.datname = %s AND s.setrole <> 0 AND starts_with(setting, 'tenantry.tenant_id=')
)
