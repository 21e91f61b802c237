-- The database was closed while it was made, so no other login could connect before PUBLIC lost its rights.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
-- Records the database's tenant in its settings.
ALTER DATABASE {database} SET tenantry.tenant_id = {tenant_id};
-- Resets what the owner may have changed so that nobody can connect, or that the database can't be dropped.
ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT -1 IS_TEMPLATE false;
