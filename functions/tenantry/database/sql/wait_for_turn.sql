-- Waits where nobody but us does: in the database `postgres`, to which no tenant connects. Given back with the session.
SET lock_timeout = '15s';
SELECT pg_advisory_lock(%s);
SET lock_timeout = '500ms';
