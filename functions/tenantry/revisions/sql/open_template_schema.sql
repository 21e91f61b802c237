-- The revisions of a template run in its schema as the template's role, which every copy replaces.
ALTER SCHEMA {schema} OWNER TO {role};
