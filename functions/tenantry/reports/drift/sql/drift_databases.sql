-- Every database except the templates of PostgreSQL and of Tenantry, with its owner, the tenant id in its settings, and
-- whether it is a template: an owner can make its own database one.
SELECT
    d.datname::text,
    pg_get_userbyid(d.datdba)::text,
    (
        SELECT substr(setting, length('tenantry.tenant_id=') + 1)
        FROM pg_db_role_setting s, unnest(s.setconfig) setting
        WHERE s.setdatabase = d.oid AND s.setrole = 0 AND starts_with(setting, 'tenantry.tenant_id=')
    ),
    d.datistemplate
FROM pg_database d
WHERE NOT (d.datistemplate AND (d.datname IN ('template0', 'template1') OR starts_with(d.datname, 'tenantry_template_')))
ORDER BY 1
