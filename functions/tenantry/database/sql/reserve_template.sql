-- Nobody but the administrator connects to a template; its revisions run as a role that may make things in it.
-- The database stays the administrator's: REASSIGN OWNED in a copy would carry a database of the role's away.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CREATE ON DATABASE {database} TO {role};
