-- The revisions of shared tables run as a role that nobody logs in as, and that owns what they make.
GRANT CREATE ON DATABASE {database} TO {role};
ALTER SCHEMA {schema} OWNER TO {role};
