-- One at a time on a server: two sessions that change one database's rights at once fail ("tuple concurrently updated").
-- The lock ends with the message, which is one transaction.
-- Only we wait for it; what follows waits for others, and holds it as short.
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(1952804451);
SET LOCAL lock_timeout = '500ms';
