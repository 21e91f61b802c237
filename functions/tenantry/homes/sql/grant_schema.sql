-- The tenant's schema belongs to its owner; `reach_schema` is what editor and viewer get.
ALTER SCHEMA {schema} OWNER TO {owner};
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
