-- Tenants who share a database share its advisory locks, and a tenant that sees other tenants' locks could take them first.
-- So only the administrator may list locks. Only a superuser can change that right; if the administrator is not one, the
-- right stays as it is.
DO $hide$
BEGIN
    REVOKE EXECUTE ON FUNCTION pg_catalog.pg_lock_status() FROM PUBLIC;
    EXECUTE format('GRANT EXECUTE ON FUNCTION pg_catalog.pg_lock_status() TO %I', current_user);
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the locks of a shared database stay visible';
END
$hide$;
