-- Drops what a role owns in a database, and takes from it what it was given there. What the database's owner has set for all
-- sessions there does not stop it, and nobody waits long for the locks that it takes.
SET ROLE NONE;
SET TRANSACTION READ WRITE;
SET LOCAL lock_timeout = '500ms';
DROP OWNED BY {role} CASCADE;
