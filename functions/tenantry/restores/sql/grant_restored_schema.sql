-- A schema that was restored with the rights to what is in it: who may look into it at all.
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO {editor}, {viewer};
