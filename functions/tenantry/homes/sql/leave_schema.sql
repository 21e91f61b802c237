-- Editor and viewer lose what reaching a schema gave them, and what they have given away of it.
REVOKE ALL ON SCHEMA {schema} FROM {editor}, {viewer} CASCADE;
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {editor}, {viewer} CASCADE;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {editor}, {viewer} CASCADE;
ALTER DEFAULT PRIVILEGES FOR ROLE {makers} IN SCHEMA {schema} REVOKE ALL ON TABLES FROM {editor}, {viewer};
ALTER DEFAULT PRIVILEGES FOR ROLE {makers} IN SCHEMA {schema} REVOKE ALL ON SEQUENCES FROM {editor}, {viewer};
