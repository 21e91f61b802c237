-- A login that reads as one tenant's viewer until a moment, after which its password is refused. It holds nothing of its
-- own (NOINHERIT) and is the viewer from its first statement on: what it sets back, it sets back to that.
CREATE ROLE {login} WITH LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT {connections} PASSWORD {verifier} VALID UNTIL {until};
COMMENT ON ROLE {login} IS {mark};
GRANT {viewer} TO {login};
GRANT CONNECT ON DATABASE {database} TO {login};
ALTER ROLE {login} SET role = {viewer};
ALTER ROLE {login} SET search_path = {schema};
-- The viewer can't write to tables anyway. This keeps it from what everybody may, such as making large objects, and is
-- no wall: a session can turn it off.
ALTER ROLE {login} SET default_transaction_read_only = on;
-- It must not hold back VACUUM, or a migration's locks, for longer than a look takes.
ALTER ROLE {login} SET statement_timeout = {statement_timeout};
ALTER ROLE {login} SET idle_in_transaction_session_timeout = {idle_timeout};
-- What the database's owner has set for everybody does not keep it out: a login's own settings beat those.
-- Of none: that can't be said with SET, where even an empty name is one.
ALTER ROLE {login} SET local_preload_libraries FROM CURRENT;
ALTER ROLE {login} SET idle_session_timeout = 0;
ALTER ROLE {login} SET lock_timeout = 0;
