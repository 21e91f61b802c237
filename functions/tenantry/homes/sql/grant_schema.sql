-- The tenant's schema belongs to its owner; `reach_schema` gives editor and viewer their rights.
ALTER SCHEMA {schema} OWNER TO {owner};
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
