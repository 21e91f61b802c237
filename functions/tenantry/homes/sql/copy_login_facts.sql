-- What the login of a copy is made of: the mark's stage, whether there is a role of its name, which of the tenant's roles are
-- there, whether the administrator gets the rights of each role that it makes, and when the time limit of a copy will have passed.
SELECT
    current_setting('tenantry.stage', true),
    EXISTS (SELECT FROM pg_roles WHERE rolname = {login}),
    ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY({roles}) ORDER BY rolname),
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    (now() + interval '1 hour')::text
