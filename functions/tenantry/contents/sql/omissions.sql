-- What a restore does not bring back: its kind and name as in `contents/fingerprint`, why, and the catalogue and row that
-- an archive has it under. Tried with pg_dump and pg_restore as a database's owner. A function that names a superuser's
-- setting, and whatever else asks for a superuser when it is made, was made by one.
-- Run this with only pg_catalog in search_path.
WITH RECURSIVE spaces AS MATERIALIZED (
    SELECT oid, quote_ident(nspname) AS name
    FROM pg_namespace
    WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' AND (%(schema)s::text IS NULL OR nspname = %(schema)s)
),
members AS MATERIALIZED (SELECT classid, objid, refobjid AS extension FROM pg_depend WHERE deptype = 'e'),
relations AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.reltablespace, c.relreplident, s.name || '.' || quote_ident(c.relname) AS name
    FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace
    WHERE c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
),
extensions AS MATERIALIZED (
    SELECT oid, extname, extversion FROM pg_extension WHERE %(schema)s::text IS NULL AND oid >= 16384
),
untrusted AS MATERIALIZED (
    SELECT e.oid, e.extname
    FROM extensions e
    JOIN pg_available_extension_versions v ON v.name = e.extname AND v.version = e.extversion
    -- The server reads a file for each extension that it could have: only for a database that has one.
    WHERE v.superuser AND NOT v.trusted AND EXISTS (SELECT FROM extensions)
),
wrappers AS MATERIALIZED (
    SELECT w.oid, w.fdwname, m.extension
    FROM pg_foreign_data_wrapper w
    LEFT JOIN members m ON m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = w.oid
    WHERE %(schema)s::text IS NULL AND (m.objid IS NULL OR m.extension IN (SELECT oid FROM untrusted))
),
-- Functions in FROM that return rows of a type which has more columns now than when the text was read.
trees (class, object, tree) AS (
    SELECT 'pg_rewrite'::regclass, oid, ev_action::text FROM pg_rewrite WHERE oid >= 16384
    UNION ALL
    SELECT 'pg_policy'::regclass, oid, concat(polqual, polwithcheck) FROM pg_policy
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, prosqlbody::text FROM pg_proc WHERE prosqlbody IS NOT NULL AND oid >= 16384
),
-- Of these, what has other columns after those that were added: of WITH ORDINALITY, of one more function, or of a join
-- that names its columns. pg_dump writes no names for the added ones, so all that follow are taken for others.
shifted AS MATERIALIZED (
    SELECT class, object
    FROM trees
    WHERE tree LIKE '%%{RANGETBLFUNCTION %%'
      AND tree ~ ':funcordinality true|\} \{RANGETBLFUNCTION |:alias \{ALIAS [^{}]*\} :eref \{ALIAS [^{}]*\} :rtekind 2 '
      AND EXISTS (
          SELECT
          FROM regexp_matches(
                   tree, '\{RANGETBLFUNCTION :funcexpr \{FUNCEXPR :funcid \d+? :funcresulttype (\d+?) .*?:funccolcount (\d+?) ', 'g'
               ) function
          JOIN pg_type t ON t.oid = function[1]::oid
          JOIN pg_class c ON c.oid = t.typrelid
          WHERE c.relnatts > function[2]::int
      )
),
-- Tables whose policies bind their owner, and what reads them.
forced (oid) AS (
    SELECT oid FROM pg_class WHERE relforcerowsecurity AND relrowsecurity
    UNION
    SELECT r.ev_class
    FROM forced f
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = f.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
),
found (kind, name, reason, catalogue, object) AS (
    SELECT 'index', c.name, 'not_dumped', 'pg_class'::regclass, c.oid
    FROM pg_index i JOIN relations c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relkind = 'i'
    UNION ALL
    -- A key that is not checked any more is checked again.
    SELECT DISTINCT 'constraint', c.name || '.' || quote_ident(k.conname), 'not_dumped', 'pg_constraint'::regclass, k.oid
    FROM pg_trigger t JOIN relations c ON c.oid = t.tgrelid JOIN pg_constraint k ON k.oid = t.tgconstraint
    WHERE t.tgisinternal AND t.tgenabled <> 'O' AND k.conparentid = 0
    UNION ALL
    -- Columns come back behind those that a table inherits, and these in the order of its parent.
    SELECT DISTINCT 'table', c.name, 'column_order', 'pg_class'::regclass, c.oid
    FROM relations c
    JOIN pg_inherits i ON i.inhrelid = c.oid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount > 0
    JOIN pg_attribute b ON b.attrelid = c.oid AND b.attnum BETWEEN 1 AND a.attnum - 1 AND NOT b.attisdropped
    LEFT JOIN pg_attribute e ON e.attrelid = i.inhparent AND e.attname = a.attname AND b.attinhcount > 0
    LEFT JOIN pg_attribute f ON f.attrelid = i.inhparent AND f.attname = b.attname AND b.attinhcount > 0
    WHERE c.relkind IN ('r', 'f') AND (b.attinhcount = 0 OR f.attnum > e.attnum)
      AND NOT EXISTS (SELECT FROM pg_class WHERE oid = c.oid AND relispartition)
    UNION ALL
    -- Filled by its owner, for whom these policies count too.
    SELECT 'materialized view', c.name, 'policies_apply', 'pg_class'::regclass, c.oid
    FROM relations c JOIN forced f ON f.oid = c.oid
    WHERE c.relkind = 'm'
    UNION ALL
    SELECT CASE WHEN r.rulename <> '_RETURN' THEN 'rule' WHEN c.relkind = 'm' THEN 'materialized view' ELSE 'view' END,
           concat(c.name, CASE WHEN r.rulename <> '_RETURN' THEN '.' || quote_ident(r.rulename) END),
           CASE WHEN r.rulename <> '_RETURN' THEN 'misread' ELSE 'not_restorable' END,
           CASE WHEN r.rulename = '_RETURN' THEN 'pg_class'::regclass ELSE 'pg_rewrite'::regclass END,
           CASE WHEN r.rulename = '_RETURN' THEN c.oid ELSE r.oid END
    FROM shifted s JOIN pg_rewrite r ON s.class = 'pg_rewrite'::regclass AND r.oid = s.object
    JOIN relations c ON c.oid = r.ev_class
    UNION ALL
    SELECT 'policy', c.name || '.' || quote_ident(p.polname), 'misread', 'pg_policy'::regclass, p.oid
    FROM shifted s JOIN pg_policy p ON s.class = 'pg_policy'::regclass AND p.oid = s.object
    JOIN relations c ON c.oid = p.polrelid
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
           format('%%s.%%I(%%s)', n.name, p.proname, (
               SELECT string_agg(format_type(type, NULL), ', ' ORDER BY place)
               FROM unnest(p.proargtypes) WITH ORDINALITY a(type, place)
           )), 'not_restorable', 'pg_proc'::regclass, p.oid
    FROM shifted s JOIN pg_proc p ON s.class = 'pg_proc'::regclass AND p.oid = s.object
    JOIN spaces n ON n.oid = p.pronamespace
    UNION ALL
    -- PostgreSQL names the multirange after its range, of which it takes 52 bytes, also where that cuts a letter in two.
    -- Nobody can send such a name again.
    SELECT 'type', format('%%s.%%I', n.name, t.typname), 'misread', 'pg_type'::regclass, t.oid
    FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_type m ON m.oid = r.rngmultitypid
    JOIN spaces n ON n.oid = t.typnamespace
    JOIN pg_database d ON d.datname = current_database() AND pg_encoding_to_char(d.encoding) = 'UTF8'
    WHERE length(textsend(t.typname::text)) > 52
      AND get_byte(textsend(t.typname::text), 52) BETWEEN 128 AND 191
      AND textsend(m.typname::text) = substr(textsend(t.typname::text), 1, 52) || '_multirange'::bytea
    UNION ALL
    -- Made a key after it was the replica identity: pg_dump writes the key first, and no deferrable one can become that.
    SELECT 'constraint', c.name || '.' || quote_ident(k.conname), 'not_restorable', 'pg_constraint'::regclass, k.oid
    FROM pg_index i JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
    JOIN relations c ON c.oid = k.conrelid
    WHERE i.indisreplident AND NOT i.indimmediate
    UNION ALL
    SELECT 'index', c.name, 'not_restorable', NULL, NULL
    FROM pg_index i JOIN relations c ON c.oid = i.indexrelid
    WHERE i.indisreplident AND NOT i.indimmediate
    UNION ALL
    -- The index that was the replica identity is gone: the table comes back with its key as that.
    SELECT 'table', c.name, 'not_dumped', 'pg_class'::regclass, c.oid
    FROM relations c
    WHERE c.relreplident = 'i' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
    UNION ALL
    SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index' WHEN c.relkind = 'm' THEN 'materialized view' ELSE 'table' END,
           c.name, 'default_tablespace', 'pg_class'::regclass, c.oid
    FROM relations c
    WHERE c.reltablespace <> 0
    UNION ALL
    SELECT 'database', '', 'default_tablespace', 'pg_database'::regclass, d.oid
    FROM pg_database d JOIN pg_tablespace s ON s.oid = d.dattablespace
    WHERE %(schema)s::text IS NULL AND d.datname = current_database() AND s.spcname <> 'pg_default'
    UNION ALL
    SELECT 'cast', format('%%s AS %%s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)), 'needs_superuser',
           'pg_cast'::regclass, c.oid
    FROM pg_cast c JOIN pg_type f ON f.oid = c.castsource JOIN pg_type t ON t.oid = c.casttarget
    WHERE c.oid >= 16384 AND c.castmethod = 'b'
      AND EXISTS (SELECT FROM spaces s WHERE s.oid IN (f.typnamespace, t.typnamespace))
      AND NOT EXISTS (
          SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i')
      )
    UNION ALL
    SELECT 'cast', format('%%s AS %%s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)),
           'needs_superuser', 'pg_cast'::regclass, c.oid
    FROM pg_cast c
    WHERE %(schema)s::text IS NULL AND c.oid >= 16384 AND c.castsource < 16384 AND c.casttarget < 16384
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_cast'::regclass AND m.objid = c.oid)
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
           format('%%s.%%I(%%s)', s.name, p.proname, (
               SELECT string_agg(format_type(type, NULL), ', ' ORDER BY place)
               FROM unnest(p.proargtypes) WITH ORDINALITY a(type, place)
           )), 'needs_superuser', 'pg_proc'::regclass, p.oid
    FROM pg_proc p
    JOIN spaces s ON s.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
    WHERE NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i')
    )
      AND (
        p.prokind <> 'a' AND NOT l.lanpltrusted OR p.proleakproof OR p.prosupport <> 0
        OR 'internal'::regtype IN (a.aggtranstype, a.aggmtranstype)
        OR EXISTS (
            SELECT FROM unnest(p.proconfig) own JOIN pg_settings g ON g.name = split_part(own, '=', 1)
            WHERE g.context <> 'user'
        )
      )
    UNION ALL
    SELECT 'type', s.name || '.' || quote_ident(t.typname), 'needs_superuser', 'pg_type'::regclass, t.oid
    FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace
    WHERE t.typtype = 'b'
      AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'operator family', format('%%s.%%I USING %%I', s.name, f.opfname, a.amname), 'needs_superuser',
           'pg_opfamily'::regclass, f.oid
    FROM pg_opfamily f JOIN spaces s ON s.oid = f.opfnamespace JOIN pg_am a ON a.oid = f.opfmethod
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_opfamily'::regclass AND m.objid = f.oid)
    UNION ALL
    SELECT 'operator class', format('%%s.%%I USING %%I', s.name, o.opcname, a.amname), 'needs_superuser',
           'pg_opclass'::regclass, o.oid
    FROM pg_opclass o JOIN spaces s ON s.oid = o.opcnamespace JOIN pg_am a ON a.oid = o.opcmethod
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_opclass'::regclass AND m.objid = o.oid)
    UNION ALL
    SELECT 'text search parser', s.name || '.' || quote_ident(p.prsname), 'needs_superuser', 'pg_ts_parser'::regclass,
           p.oid
    FROM pg_ts_parser p JOIN spaces s ON s.oid = p.prsnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_ts_parser'::regclass AND m.objid = p.oid)
    UNION ALL
    SELECT 'text search template', s.name || '.' || quote_ident(t.tmplname), 'needs_superuser',
           'pg_ts_template'::regclass, t.oid
    FROM pg_ts_template t JOIN spaces s ON s.oid = t.tmplnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_ts_template'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'transform', format('%%s %%I', format_type(t.trftype, NULL), l.lanname), 'needs_superuser',
           'pg_transform'::regclass, t.oid
    FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang JOIN pg_type f ON f.oid = t.trftype
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_transform'::regclass AND m.objid = t.oid)
      AND (%(schema)s::text IS NULL OR EXISTS (SELECT FROM spaces s WHERE s.oid = f.typnamespace))
    UNION ALL
    SELECT 'event trigger', quote_ident(e.evtname), 'needs_superuser', 'pg_event_trigger'::regclass, e.oid
    FROM pg_event_trigger e
    WHERE %(schema)s::text IS NULL
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid)
    UNION ALL
    SELECT 'extension', quote_ident(u.extname), 'needs_superuser', 'pg_extension'::regclass, u.oid FROM untrusted u
    UNION ALL
    SELECT 'foreign-data wrapper', quote_ident(w.fdwname), 'needs_superuser', 'pg_foreign_data_wrapper'::regclass, w.oid
    FROM wrappers w WHERE w.extension IS NULL
    UNION ALL
    SELECT 'server', quote_ident(f.srvname), 'needs_superuser', 'pg_foreign_server'::regclass, f.oid
    FROM pg_foreign_server f JOIN wrappers w ON w.oid = f.srvfdw
    UNION ALL
    -- Whoever it is for: with its server it can't be made, and its password is nobody's to read.
    SELECT 'user mapping', concat(CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END, ' ',
                                  quote_ident(u.srvname)),
           'needs_superuser', 'pg_user_mapping'::regclass, u.umid
    FROM pg_user_mappings u JOIN pg_foreign_server f ON f.oid = u.srvid JOIN wrappers w ON w.oid = f.srvfdw
    UNION ALL
    SELECT 'foreign table', c.name, 'needs_superuser', 'pg_class'::regclass, c.oid
    FROM pg_foreign_table t JOIN relations c ON c.oid = t.ftrelid
    JOIN pg_foreign_server f ON f.oid = t.ftserver JOIN wrappers w ON w.oid = f.srvfdw
    UNION ALL
    SELECT 'language', quote_ident(l.lanname), 'needs_superuser', 'pg_language'::regclass, l.oid
    FROM pg_language l
    WHERE %(schema)s::text IS NULL AND l.oid >= 16384
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_language'::regclass AND m.objid = l.oid)
    UNION ALL
    SELECT 'access method', quote_ident(a.amname), 'needs_superuser', 'pg_am'::regclass, a.oid
    FROM pg_am a
    WHERE %(schema)s::text IS NULL AND a.oid >= 16384
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_am'::regclass AND m.objid = a.oid)
    UNION ALL
    SELECT 'publication', quote_ident(p.pubname), 'needs_superuser', 'pg_publication'::regclass, p.oid
    FROM pg_publication p
    WHERE %(schema)s::text IS NULL AND p.puballtables
    UNION ALL
    -- The publication itself comes back, and without the schema.
    SELECT 'publication', quote_ident(p.pubname), 'needs_superuser', 'pg_publication_namespace'::regclass, n.oid
    FROM pg_publication_namespace n JOIN pg_publication p ON p.oid = n.pnpubid
    WHERE %(schema)s::text IS NULL
    UNION ALL
    SELECT 'subscription', quote_ident(s.subname), 'tied_to_database', 'pg_subscription'::regclass, s.oid
    FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
    WHERE %(schema)s::text IS NULL AND d.datname = current_database()
    UNION ALL
    SELECT 'replication slot', slot_name::text, 'tied_to_database', NULL, NULL
    FROM pg_replication_slots
    WHERE %(schema)s::text IS NULL AND database = current_database()
    UNION ALL
    SELECT 'prepared transaction', gid, 'tied_to_database', NULL, NULL
    FROM pg_prepared_xacts
    WHERE database = current_database() AND (%(schema)s::text IS NULL OR owner = ANY(%(roles)s))
)
SELECT kind, name, reason, coalesce(catalogue::oid::bigint, 0), coalesce(object::bigint, 0)
FROM found
ORDER BY kind, name COLLATE "C", reason, object
LIMIT %(most)s
