-- What a tenant's owner could not make again from a backup, because only a superuser may, and what a dump leaves out: kind and
-- name. Event triggers are not listed: restores leave them out. What belongs to an extension is made with it; of extensions,
-- those that a server trusts can be made. The second column: who else owns something, for an administrator that can't let a
-- login read it.
WITH members AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
),
found AS (
    SELECT
        format('function %s (%s)', p.oid::regprocedure, CASE WHEN l.lanpltrusted THEN 'leakproof' ELSE l.lanname END) AS what,
        'pg_proc'::regclass AS class,
        p.oid
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.oid >= 16384 AND (p.proleakproof OR NOT l.lanpltrusted)
      -- Those of a range type are internal, and come with it.
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
    UNION ALL
    SELECT 'operator class ' || opcname, 'pg_opclass'::regclass, oid FROM pg_opclass WHERE oid >= 16384
    UNION ALL
    SELECT 'operator family ' || opfname, 'pg_opfamily'::regclass, oid FROM pg_opfamily WHERE oid >= 16384
    UNION ALL
    SELECT 'language ' || lanname, 'pg_language'::regclass, oid FROM pg_language WHERE oid >= 16384
    UNION ALL
    SELECT 'access method ' || amname, 'pg_am'::regclass, oid FROM pg_am WHERE oid >= 16384
    UNION ALL
    SELECT 'foreign-data wrapper ' || fdwname, 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
    UNION ALL
    SELECT 'foreign server ' || srvname, 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
    UNION ALL
    SELECT 'publication ' || pubname, 'pg_publication'::regclass, oid FROM pg_publication WHERE puballtables
    UNION ALL
    SELECT 'publication ' || p.pubname, 'pg_publication'::regclass, p.oid
    FROM pg_publication p WHERE EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid)
    UNION ALL
    SELECT 'subscription ' || s.subname, 'pg_subscription'::regclass, s.oid
    FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()
    UNION ALL
    SELECT 'text search parser ' || prsname, 'pg_ts_parser'::regclass, oid FROM pg_ts_parser WHERE oid >= 16384
    UNION ALL
    SELECT 'text search template ' || tmplname, 'pg_ts_template'::regclass, oid FROM pg_ts_template WHERE oid >= 16384
    UNION ALL
    SELECT 'extension ' || e.extname, 'pg_extension'::regclass, e.oid
    FROM pg_extension e
    WHERE e.oid >= 16384
      AND NOT EXISTS (
          SELECT FROM pg_available_extension_versions v
          WHERE v.name = e.extname AND v.version = e.extversion AND (v.trusted OR NOT v.superuser)
      )
)
SELECT
    ARRAY(
        SELECT what FROM found f
        WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = f.class AND m.objid = f.oid)
        ORDER BY 1 LIMIT 20
    ),
    ARRAY(
        SELECT pg_get_userbyid(o.owner)::text
        FROM (
            SELECT c.relowner
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
            UNION
            SELECT lomowner FROM pg_largeobject_metadata
        ) o (owner)
        WHERE pg_get_userbyid(o.owner) <> ALL({owners})
        ORDER BY 1 LIMIT 20
    )
