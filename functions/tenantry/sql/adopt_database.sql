-- Owner, editor and viewer reach what is there, and what the former user or the owner makes later.
GRANT USAGE, CREATE ON SCHEMA {schemas} TO {owner};
GRANT ALL ON ALL TABLES IN SCHEMA {schemas} TO {owner};
GRANT ALL ON ALL SEQUENCES IN SCHEMA {schemas} TO {owner};
GRANT ALL ON ALL ROUTINES IN SCHEMA {schemas} TO {owner};
GRANT USAGE ON SCHEMA {schema} TO {editor}, {viewer};
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {viewer};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {editor};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {editor};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner}, {user} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {viewer};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner}, {user} IN SCHEMA {schema}
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {editor};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner}, {user} IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {editor};
ALTER DEFAULT PRIVILEGES FOR ROLE {user} IN SCHEMA {schemas} GRANT ALL ON TABLES TO {owner};
ALTER DEFAULT PRIVILEGES FOR ROLE {user} IN SCHEMA {schemas} GRANT ALL ON SEQUENCES TO {owner};
-- Who had a way in keeps it by name; everybody else's login is kept out.
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {present};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {login};
ALTER DATABASE {database} SET tenantry.tenant_id = {tenant_id};
