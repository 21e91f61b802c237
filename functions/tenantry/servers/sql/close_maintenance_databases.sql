-- One session at a time on a server: when two change one database's rights at once, one fails ("tuple concurrently
-- updated"). This message is one transaction, at whose end the lock is released. Only our sessions wait for this lock. The
-- statements after it may wait for other sessions while they hold it, so their timeout is short.
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(1952804451);
SET LOCAL lock_timeout = '500ms';
-- Every login may connect to these databases by default, but a tenant's login is to connect to its own database only.
-- If a superuser has closed them already, nothing is left to do, and another administrator could not do it.
DO $close$
DECLARE
    open_to_all name;
BEGIN
    FOR open_to_all IN
        SELECT datname FROM pg_database
        WHERE datname IN ('postgres', 'template1') AND has_database_privilege('public', oid, 'CONNECT')
    LOOP
        EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', open_to_all);
    END LOOP;
END
$close$;
