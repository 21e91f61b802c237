-- A login that reads as one tenant's viewer until its password expires. It has no rights of its own (NOINHERIT) and is
-- the viewer from its first statement on. RESET ROLE brings it back to the viewer, too.
CREATE ROLE {login} WITH LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT {connections} PASSWORD {verifier} VALID UNTIL {until};
COMMENT ON ROLE {login} IS {mark};
GRANT {viewer} TO {login};
GRANT CONNECT ON DATABASE {database} TO {login};
ALTER ROLE {login} SET role = {viewer};
ALTER ROLE {login} SET search_path = {schema};
-- The viewer can't write to tables anyway. This setting keeps the login from writing what PUBLIC may, such as large
-- objects. It is not a security boundary, because a session can turn it off.
ALTER ROLE {login} SET default_transaction_read_only = on;
-- The login must not hold back VACUUM, or a migration's locks, for longer than a look takes.
ALTER ROLE {login} SET statement_timeout = {statement_timeout};
ALTER ROLE {login} SET idle_in_transaction_session_timeout = {idle_timeout};
-- The settings that the database's owner made for all sessions do not keep the login out: its own settings take
-- precedence. FROM CURRENT sets an empty list of libraries; SET can't, because it takes '' for a library's name.
ALTER ROLE {login} SET local_preload_libraries FROM CURRENT;
ALTER ROLE {login} SET idle_session_timeout = 0;
ALTER ROLE {login} SET lock_timeout = 0;
