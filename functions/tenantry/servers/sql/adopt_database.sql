-- The owner gets rights on what exists, and on what the former user makes later. `reach_schema` does the same for
-- editor and viewer.
GRANT USAGE, CREATE ON SCHEMA {schemas} TO {owner};
GRANT ALL ON ALL TABLES IN SCHEMA {schemas} TO {owner};
GRANT ALL ON ALL SEQUENCES IN SCHEMA {schemas} TO {owner};
GRANT ALL ON ALL ROUTINES IN SCHEMA {schemas} TO {owner};
ALTER DEFAULT PRIVILEGES FOR ROLE {user} IN SCHEMA {schemas} GRANT ALL ON TABLES TO {owner};
ALTER DEFAULT PRIVILEGES FOR ROLE {user} IN SCHEMA {schemas} GRANT ALL ON SEQUENCES TO {owner};
-- Roles that had access keep it by name; every other login is kept out.
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {present};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {login};
ALTER DATABASE {database} SET tenantry.tenant_id = {tenant_id};
