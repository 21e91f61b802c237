-- The rights that a tenant's roles get by membership in these groups. The policies decide on the rows.
GRANT USAGE ON SCHEMA {schema} TO {viewers}, {editors};
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {viewers};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {editors};
GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {viewers};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {editors};
-- No tenant needs to see the revision, and its row belongs to no tenant.
REVOKE ALL ON {version_table} FROM {viewers}, {editors};
ALTER TABLE {version_table} ENABLE ROW LEVEL SECURITY;
-- Counts a tenant's rows regardless of what its policies let it see: a backup must hold that number of rows.
CREATE SCHEMA IF NOT EXISTS tenantry;
GRANT USAGE ON SCHEMA tenantry TO {viewers}, {editors};
CREATE OR REPLACE FUNCTION tenantry.own_rows() RETURNS TABLE (relation text, rows bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $own_rows$
DECLARE
    own constant text := substring(session_user::text, '^(.+)_login_[ab]$');
BEGIN
    FOR relation IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = {schema_name} AND c.relkind = 'r'
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
        ORDER BY 1
    LOOP
        EXECUTE format('SELECT count(*) FROM %I.%I WHERE tenant_id = $1', {schema_name}, relation) INTO rows USING own;
        RETURN NEXT;
    END LOOP;
END
$own_rows$;
REVOKE ALL ON FUNCTION tenantry.own_rows() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenantry.own_rows() TO {viewers}, {editors};
