-- One at a time on a server: two sessions that change one database's rights at once fail ("tuple concurrently updated").
-- The lock ends with the message, which is one transaction.
SELECT pg_advisory_xact_lock(1952804451);
