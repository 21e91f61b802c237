-- One session at a time on a server: two that change one database's rights at once fail ("tuple concurrently updated").
-- The lock ends with this message, which is one transaction.
SELECT pg_advisory_xact_lock(1952804451);
