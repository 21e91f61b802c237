-- Gives editor and viewer rights on everything in a schema, and on what the given roles create there later.
GRANT USAGE ON SCHEMA {schema} TO {editor}, {viewer};
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {viewer};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {editor};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {editor};
ALTER DEFAULT PRIVILEGES FOR ROLE {makers} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {viewer};
ALTER DEFAULT PRIVILEGES FOR ROLE {makers} IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {editor};
ALTER DEFAULT PRIVILEGES FOR ROLE {makers} IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {editor};
