-- How the rights to each of a tenant's objects differ from its initial rights: what was granted in addition, and what was
-- revoked. A null grantee or grantor is the object's owner, an empty grantee is PUBLIC. Run this with only pg_catalog in
-- search_path, so that types of other schemas appear with their schema's name.
WITH spaces AS (
    SELECT oid, nspname::text AS name, nspowner AS owner, nspacl AS acl
    FROM pg_namespace
    WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' AND (%(schema)s::text IS NULL OR nspname = %(schema)s)
),
things AS (
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, s.name AS schema,
           ARRAY[c.relname::text] AS names, ARRAY[]::text[] AS arguments, c.relowner AS owner, c.relacl AS acl,
           acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) AS born,
           'pg_class'::regclass AS class, c.oid AS object, 0 AS part
    FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'COLUMN', s.name, ARRAY[c.relname::text, a.attname::text], ARRAY[]::text[], c.relowner, a.attacl,
           NULL::aclitem[], 'pg_class'::regclass, c.oid, a.attnum
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN spaces s ON s.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'SCHEMA', s.name, ARRAY[]::text[], ARRAY[]::text[], s.owner, s.acl, acldefault('n', s.owner),
           'pg_namespace'::regclass, s.oid, 0
    FROM spaces s
    UNION ALL
    SELECT 'ROUTINE', s.name, ARRAY[p.proname::text], ARRAY(
               SELECT CASE WHEN n.nspname = %(main)s
                      THEN '@' || substr(format_type(t.oid, NULL), length(quote_ident(n.nspname)) + 2)
                      ELSE '=' || format_type(t.oid, NULL) END
               FROM unnest(p.proargtypes) WITH ORDINALITY a(type, place)
               JOIN pg_type t ON t.oid = a.type JOIN pg_namespace n ON n.oid = t.typnamespace
               ORDER BY a.place
           ), p.proowner, p.proacl, acldefault('f', p.proowner), 'pg_proc'::regclass, p.oid, 0
    FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace
    -- Functions that come with a range type belong to the bootstrap superuser, whoever creates the type.
    WHERE NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i'
    )
    UNION ALL
    SELECT 'TYPE', s.name, ARRAY[t.typname::text], ARRAY[]::text[], t.typowner, t.typacl, acldefault('T', t.typowner),
           'pg_type'::regclass, t.oid, 0
    FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('b', 'c', 'd', 'e', 'r')
      AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
      AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
    UNION ALL
    -- Of these only the owner is anybody's to choose.
    SELECT x.kind, s.name, ARRAY[x.name::text], x.arguments, x.owner, NULL::aclitem[], NULL::aclitem[], x.class, x.oid, 0
    FROM (
        SELECT 'STATISTICS', stxname, stxnamespace, ARRAY[]::text[], stxowner, 'pg_statistic_ext'::regclass, oid
        FROM pg_statistic_ext
        UNION ALL
        SELECT 'COLLATION', collname, collnamespace, ARRAY[]::text[], collowner, 'pg_collation'::regclass, oid FROM pg_collation
        UNION ALL
        SELECT 'CONVERSION', conname, connamespace, ARRAY[]::text[], conowner, 'pg_conversion'::regclass, oid
        FROM pg_conversion
        UNION ALL
        SELECT 'TEXT SEARCH DICTIONARY', dictname, dictnamespace, ARRAY[]::text[], dictowner, 'pg_ts_dict'::regclass, oid
        FROM pg_ts_dict
        UNION ALL
        SELECT 'TEXT SEARCH CONFIGURATION', cfgname, cfgnamespace, ARRAY[]::text[], cfgowner, 'pg_ts_config'::regclass, oid
        FROM pg_ts_config
        UNION ALL
        SELECT 'OPERATOR CLASS', o.opcname, o.opcnamespace, ARRAY['=' || quote_ident(a.amname)], o.opcowner,
               'pg_opclass'::regclass, o.oid
        FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod
        UNION ALL
        SELECT 'OPERATOR FAMILY', f.opfname, f.opfnamespace, ARRAY['=' || quote_ident(a.amname)], f.opfowner,
               'pg_opfamily'::regclass, f.oid
        FROM pg_opfamily f JOIN pg_am a ON a.oid = f.opfmethod
        UNION ALL
        SELECT 'OPERATOR', o.oprname, o.oprnamespace, ARRAY(
                   SELECT CASE WHEN n.nspname = %(main)s
                          THEN '@' || substr(format_type(t.oid, NULL), length(quote_ident(n.nspname)) + 2)
                          ELSE '=' || coalesce(format_type(t.oid, NULL), 'NONE') END
                   FROM unnest(ARRAY[o.oprleft, o.oprright]) WITH ORDINALITY a(type, place)
                   LEFT JOIN pg_type t ON t.oid = a.type LEFT JOIN pg_namespace n ON n.oid = t.typnamespace
                   ORDER BY a.place
               ), o.oprowner, 'pg_operator'::regclass, o.oid
        -- PostgreSQL's own are left out before their arguments are named: they are eight hundred.
        FROM pg_operator o WHERE o.oprcode <> 0 AND o.oprnamespace IN (SELECT oid FROM spaces)
    ) x (kind, name, space, arguments, owner, class, oid)
    JOIN spaces s ON s.oid = x.space
    UNION ALL
    SELECT 'LARGE OBJECT', NULL, ARRAY[l.oid::text], ARRAY[]::text[], l.lomowner, l.lomacl, acldefault('L', l.lomowner),
           'pg_largeobject'::regclass, l.oid, 0
    FROM pg_largeobject_metadata l
    WHERE %(schema)s::text IS NULL
    UNION ALL
    SELECT 'DATABASE', NULL, ARRAY[]::text[], ARRAY[]::text[], d.datdba, d.datacl, acldefault('d', d.datdba),
           'pg_database'::regclass, d.oid, 0
    FROM pg_database d
    WHERE %(schema)s::text IS NULL AND d.datname = current_database()
    UNION ALL
    SELECT 'DEFAULT', s.name, ARRAY[pg_get_userbyid(d.defaclrole)::text, d.defaclobjtype::text], ARRAY[]::text[],
           d.defaclrole, d.defaclacl,
           CASE WHEN d.defaclnamespace = 0
                THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END::"char", d.defaclrole)
                ELSE NULL::aclitem[] END,
           'pg_default_acl'::regclass, d.oid, 0
    FROM pg_default_acl d LEFT JOIN spaces s ON s.oid = d.defaclnamespace
    WHERE s.oid IS NOT NULL
       OR (d.defaclnamespace = 0 AND (%(schema)s::text IS NULL OR pg_get_userbyid(d.defaclrole) = ANY(%(roles)s)))
),
explained AS (
    SELECT t.*, e.objid IS NOT NULL AS is_extensions, CASE WHEN e.objid IS NOT NULL THEN i.initprivs END AS initial
    FROM things t
    LEFT JOIN pg_depend e ON e.classid = t.class AND e.objid = t.object AND e.deptype = 'e'
    LEFT JOIN pg_init_privs i ON i.classoid = t.class AND i.objoid = t.object AND i.objsubid = t.part
)
SELECT x.kind, x.schema, x.names, x.arguments,
       CASE WHEN x.is_extensions OR x.kind IN ('COLUMN', 'DATABASE', 'DEFAULT') THEN '' ELSE pg_get_userbyid(x.owner)::text END,
       coalesce(granted.entries, '[]'), coalesce(revoked.entries, '[]')
FROM explained x
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(
        CASE a.grantee WHEN 0 THEN '' WHEN x.owner THEN NULL ELSE pg_get_userbyid(a.grantee)::text END,
        a.privilege_type, a.is_grantable,
        CASE a.grantor WHEN x.owner THEN NULL ELSE pg_get_userbyid(a.grantor)::text END
    )) AS entries
    FROM (
        SELECT * FROM aclexplode(coalesce(x.acl, x.born)) EXCEPT SELECT * FROM aclexplode(coalesce(x.initial, x.born))
    ) a
) granted
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(
        CASE a.grantee WHEN 0 THEN '' WHEN x.owner THEN NULL ELSE pg_get_userbyid(a.grantee)::text END,
        a.privilege_type, a.is_grantable,
        CASE a.grantor WHEN x.owner THEN NULL ELSE pg_get_userbyid(a.grantor)::text END
    )) AS entries
    FROM (
        SELECT * FROM aclexplode(coalesce(x.initial, x.born)) EXCEPT SELECT * FROM aclexplode(coalesce(x.acl, x.born))
    ) a
) revoked
UNION ALL
-- A policy applies to PUBLIC unless it names roles.
SELECT 'POLICY', s.name, ARRAY[c.relname::text, p.polname::text], ARRAY[]::text[], '',
       CASE WHEN p.polroles = ARRAY[0::oid] THEN '[]' ELSE (
           SELECT jsonb_agg(jsonb_build_array(CASE r WHEN 0 THEN '' ELSE pg_get_userbyid(r)::text END, 'POLICY', false, ''))
           FROM unnest(p.polroles) r
       ) END,
       CASE WHEN 0::oid = ANY(p.polroles) THEN '[]' ELSE jsonb_build_array(jsonb_build_array('', 'POLICY', false, '')) END
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN spaces s ON s.oid = c.relnamespace
