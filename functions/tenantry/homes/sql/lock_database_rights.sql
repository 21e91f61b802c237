-- One session at a time on a server: when two change one database's rights at once, one fails ("tuple concurrently
-- updated"). This message is one transaction, at whose end the lock is released. Only our sessions wait for this lock. The
-- statements after it may wait for other sessions while they hold it, so their timeout is short.
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(1952804451);
SET LOCAL lock_timeout = '500ms';
