-- What the login of a copy is made of: the stage that its mark names, whether a role has its name, which of the tenant's roles
-- are there, whether the administrator has every right to what it makes, and when the time limit of a copy has passed.
SELECT
    current_setting('tenantry.stage', true),
    EXISTS (SELECT FROM pg_roles WHERE rolname = %s),
    ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s) ORDER BY rolname),
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    (now() + interval '1 hour')::text
