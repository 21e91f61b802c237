-- Lets the tenant's roles into a schema whose objects were restored with their rights.
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO {editor}, {viewer};
