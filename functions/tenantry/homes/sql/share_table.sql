-- A row's tenant follows from the login, which no statement can change, and not from a setting of the session.
-- The collation is that of role names: with another one, the policy could not use an index.
ALTER TABLE {table}
    ADD COLUMN tenant_id text COLLATE "C" NOT NULL DEFAULT substring(session_user::text, '^(.+)_login_[ab]$');
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
-- The expression is in a subquery, so that it is evaluated once and not for every row.
CREATE POLICY tenantry_tenant ON {table}
    USING (tenant_id = (SELECT substring(session_user::text, '^(.+)_login_[ab]$')))
    WITH CHECK (tenant_id = (SELECT substring(session_user::text, '^(.+)_login_[ab]$')));
CREATE POLICY tenantry_administration ON {table} TO {role} USING (true);
