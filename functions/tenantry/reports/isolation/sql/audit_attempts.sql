-- Tries each statement as each of the given roles, rolls back whatever it did, and returns a JSON array of outcomes, role
-- by role: the SQLSTATE with which a statement was refused, 02000 where it succeeded without affecting a row, 00000 where
-- it affected rows. If one of the roles can't be taken, all of it fails: refusals to another role would prove nothing.
SELECT set_config('tenantry.audit_plan', %s, false);
DO $audit$
DECLARE
    plan jsonb := current_setting('tenantry.audit_plan')::jsonb;
    acting text;
    attempt text;
    met bigint;
    outcomes text[] := '{}';
BEGIN
    -- A tenant that holds a lock on its own objects does not make the audit wait.
    PERFORM set_config('lock_timeout', '200ms', true);
    IF (plan ->> 'reads')::boolean THEN
        PERFORM set_config('transaction_read_only', 'on', true);
    END IF;
    FOR acting IN SELECT jsonb_array_elements_text(plan -> 'roles') LOOP
        PERFORM set_config('role', acting, true);
        FOR attempt IN SELECT jsonb_array_elements_text(plan -> 'statements') LOOP
            BEGIN
                EXECUTE attempt;
                GET DIAGNOSTICS met = ROW_COUNT;
                RAISE EXCEPTION USING ERRCODE = 'PTAUD';
            EXCEPTION WHEN OTHERS THEN
                outcomes := array_append(outcomes, CASE
                    WHEN SQLSTATE <> 'PTAUD' THEN SQLSTATE
                    WHEN met > 0 THEN '00000'
                    ELSE '02000'
                END);
            END;
        END LOOP;
    END LOOP;
    PERFORM set_config('role', 'none', true);
    PERFORM set_config('tenantry.audit_plan', to_json(outcomes)::text, false);
END
$audit$;
SELECT current_setting('tenantry.audit_plan')::jsonb;
