-- Like `wait_for_turn`, for one schema of one database.
SET lock_timeout = '15s';
SELECT pg_advisory_lock(%s, hashtext(%s));
SET lock_timeout = '500ms';
