-- Closed while it was made: nobody else's login could slip in before PUBLIC lost its rights.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
-- What the database answers when it is asked whose it is.
ALTER DATABASE {database} SET tenantry.tenant_id = {tenant_id};
ALTER DATABASE {database} ALLOW_CONNECTIONS true;
