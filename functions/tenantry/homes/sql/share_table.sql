-- Whose a row is follows from the login, which no statement can change; a setting of the session's decides nothing.
-- The collation is that of a role's name: with another the policy could not use an index.
ALTER TABLE {table}
    ADD COLUMN tenant_id text COLLATE "C" NOT NULL DEFAULT substring(session_user::text, '^(.+)_login_[ab]$');
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
-- In a query of its own, so that it is worked out once and not for every row.
CREATE POLICY tenantry_tenant ON {table}
    USING (tenant_id = (SELECT substring(session_user::text, '^(.+)_login_[ab]$')))
    WITH CHECK (tenant_id = (SELECT substring(session_user::text, '^(.+)_login_[ab]$')));
CREATE POLICY tenantry_administration ON {table} TO {role} USING (true);
