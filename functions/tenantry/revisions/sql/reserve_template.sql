-- Only the administrator connects to a template; its revisions run as a role that may create objects in it.
-- The administrator keeps the database: if the role owned it, REASSIGN OWNED in a copy would give it to a tenant's owner.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CREATE ON DATABASE {database} TO {role};
