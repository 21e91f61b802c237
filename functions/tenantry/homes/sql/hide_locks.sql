-- Tenants who share a database share its advisory locks, and who sees the locks of others can take them first: nobody
-- but the administrator looks. Only a superuser may say so; where the administrator is none, it stays as it is.
DO $hide$
BEGIN
    REVOKE EXECUTE ON FUNCTION pg_catalog.pg_lock_status() FROM PUBLIC;
    EXECUTE format('GRANT EXECUTE ON FUNCTION pg_catalog.pg_lock_status() TO %I', current_user);
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the locks of a shared database stay visible';
END
$hide$;
