-- One session at a time on a server: two that change one database's rights at once fail ("tuple concurrently updated").
-- The lock ends with this message, which is one transaction. Only sessions of ours wait for it; what follows waits for
-- others, and holds it as short.
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(1952804451);
SET LOCAL lock_timeout = '500ms';
