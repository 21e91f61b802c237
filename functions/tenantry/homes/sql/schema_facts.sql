-- Whether a template's role owns anything in this database, and whether a revision has ever run in the schema.
SELECT
    EXISTS (
        SELECT FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
        WHERE r.rolname = %s
          AND s.refclassid = 'pg_authid'::regclass
          AND s.deptype = 'o'
          AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    ),
    to_regclass(%s) IS NOT NULL
