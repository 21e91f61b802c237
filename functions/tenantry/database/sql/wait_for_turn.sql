-- Waits for a lock that only our sessions take: in the database `postgres`, to which no tenant connects. The lock is
-- released when the session ends.
SET lock_timeout = '15s';
SELECT pg_advisory_lock(%s);
SET lock_timeout = '500ms';
