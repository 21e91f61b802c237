-- The database was closed while it was made, so no other login could slip in before PUBLIC lost its rights.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
-- Records in the database whose it is.
ALTER DATABASE {database} SET tenantry.tenant_id = {tenant_id};
-- What its owner may have set so that nobody comes in, or that it can't be dropped.
ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT -1 IS_TEMPLATE false;
