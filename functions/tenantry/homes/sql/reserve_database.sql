-- The database was closed while it was made, so no other login could slip in before PUBLIC lost its rights.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
-- Records in the database whose it is.
ALTER DATABASE {database} SET tenantry.tenant_id = {tenant_id};
ALTER DATABASE {database} ALLOW_CONNECTIONS true;
