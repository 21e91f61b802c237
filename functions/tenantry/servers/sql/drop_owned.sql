-- Drops the objects that a role owns in a database, and revokes its rights there. The settings that the database's owner
-- made for all sessions do not prevent this, and other sessions do not wait long behind its locks.
SET ROLE NONE;
SET TRANSACTION READ WRITE;
SET LOCAL lock_timeout = '500ms';
DROP OWNED BY {role} CASCADE;
