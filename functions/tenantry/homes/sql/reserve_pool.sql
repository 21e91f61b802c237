-- The revisions of shared tables run as a role without a login, which owns what they make.
GRANT CREATE ON DATABASE {database} TO {role};
ALTER SCHEMA {schema} OWNER TO {role};
