-- Revokes what `reach_schema` gave editor and viewer, and what they have granted to others.
REVOKE ALL ON SCHEMA {schema} FROM {editor}, {viewer} CASCADE;
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {editor}, {viewer} CASCADE;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {editor}, {viewer} CASCADE;
ALTER DEFAULT PRIVILEGES FOR ROLE {makers} IN SCHEMA {schema} REVOKE ALL ON TABLES FROM {editor}, {viewer};
ALTER DEFAULT PRIVILEGES FOR ROLE {makers} IN SCHEMA {schema} REVOKE ALL ON SEQUENCES FROM {editor}, {viewer};
