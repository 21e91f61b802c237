-- A part of fingerprint.sql: the kinds of objects that few homes have any of.
    UNION ALL
    SELECT 'pg_operator'::regclass, o.oid, 0, 'operator',
           format('%%s.%%s(%%s, %%s)', s.name, o.oprname, nullif(o.oprleft, 0)::regtype, o.oprright::regtype),
           concat_ws(E'\n', o.oprcode::regprocedure, format_type(o.oprresult, NULL), o.oprcom::regoperator,
                     o.oprnegate::regoperator, o.oprrest::regprocedure, o.oprjoin::regprocedure),
           concat(o.oprcanmerge, o.oprcanhash), NULL
    FROM pg_operator o JOIN spaces s ON s.oid = o.oprnamespace
    WHERE o.oprcode <> 0
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_operator'::regclass AND m.objid = o.oid)
    UNION ALL
    SELECT 'pg_opfamily'::regclass, f.oid, 0, 'operator family',
           format('%%s.%%I USING %%I', s.name, f.opfname, a.amname),
           concat_ws(E'\n',
               (SELECT string_agg(concat_ws(' ', amopstrategy, amopopr::regoperator, amoppurpose, amopsortfamily), ', '
                                  ORDER BY amopstrategy, amopopr::regoperator::text COLLATE "C")
                FROM pg_amop WHERE amopfamily = f.oid AND amopsortfamily = 0),
               (SELECT string_agg(concat_ws(' ', amprocnum, amproc::regprocedure, format_type(amproclefttype, NULL),
                                            format_type(amprocrighttype, NULL)), ', '
                                  ORDER BY amprocnum, amproc::regprocedure::text COLLATE "C",
                                           format_type(amproclefttype, NULL), format_type(amprocrighttype, NULL))
                FROM pg_amproc WHERE amprocfamily = f.oid)),
           NULL, NULL
    FROM pg_opfamily f JOIN spaces s ON s.oid = f.opfnamespace JOIN pg_am a ON a.oid = f.opfmethod
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_opfamily'::regclass AND m.objid = f.oid)
    UNION ALL
    SELECT 'pg_opclass'::regclass, o.oid, 0, 'operator class',
           format('%%s.%%I USING %%I', s.name, o.opcname, a.amname),
           concat_ws(E'\n', format_type(o.opcintype, NULL), format_type(nullif(o.opckeytype, 0), NULL), (
               SELECT quote_ident(n.nspname) || '.' || quote_ident(opfname)
               FROM pg_opfamily f JOIN pg_namespace n ON n.oid = opfnamespace WHERE f.oid = o.opcfamily
           )),
           o.opcdefault::text, NULL
    FROM pg_opclass o JOIN spaces s ON s.oid = o.opcnamespace JOIN pg_am a ON a.oid = o.opcmethod
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_opclass'::regclass AND m.objid = o.oid)
    UNION ALL
    SELECT 'pg_collation'::regclass, c.oid, 0, 'collation', s.name || '.' || quote_ident(c.collname), NULL,
           -- Not the encoding: a copy of "C" is of all encodings, and what brings it back says the database's.
           jsonb_build_array(
               c.collprovider, c.collisdeterministic, c.collcollate, c.collctype,
               coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale'), to_jsonb(c) ->> 'collicurules'
           )::text, NULL
    FROM pg_collation c JOIN spaces s ON s.oid = c.collnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_collation'::regclass AND m.objid = c.oid)
    UNION ALL
    SELECT 'pg_conversion'::regclass, c.oid, 0, 'conversion', s.name || '.' || quote_ident(c.conname),
           c.conproc::regprocedure::text, concat_ws(' ', c.conforencoding, c.contoencoding, c.condefault), NULL
    FROM pg_conversion c JOIN spaces s ON s.oid = c.connamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_conversion'::regclass AND m.objid = c.oid)
    UNION ALL
    SELECT 'pg_ts_parser'::regclass, p.oid, 0, 'text search parser', s.name || '.' || quote_ident(p.prsname),
           concat_ws(E'\n', p.prsstart::regprocedure, p.prstoken::regprocedure, p.prsend::regprocedure,
                     p.prsheadline::regprocedure, p.prslextype::regprocedure), NULL, NULL
    FROM pg_ts_parser p JOIN spaces s ON s.oid = p.prsnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_ts_parser'::regclass AND m.objid = p.oid)
    UNION ALL
    SELECT 'pg_ts_template'::regclass, t.oid, 0, 'text search template', s.name || '.' || quote_ident(t.tmplname),
           concat_ws(E'\n', t.tmplinit::regprocedure, t.tmpllexize::regprocedure), NULL, NULL
    FROM pg_ts_template t JOIN spaces s ON s.oid = t.tmplnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_ts_template'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, d.oid, 0, 'text search dictionary', s.name || '.' || quote_ident(d.dictname),
           (SELECT quote_ident(n.nspname) || '.' || quote_ident(tmplname)
            FROM pg_ts_template t JOIN pg_namespace n ON n.oid = tmplnamespace WHERE t.oid = d.dicttemplate),
           -- Stored with the quotes that quote_all_identifiers wanted when it was made.
           regexp_replace(d.dictinitoption, '(^|, )"([a-z_][a-z0-9_$]*)" = ', '\1\2 = ', 'g'), NULL
    FROM pg_ts_dict d JOIN spaces s ON s.oid = d.dictnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_ts_dict'::regclass AND m.objid = d.oid)
    UNION ALL
    SELECT 'pg_ts_config'::regclass, c.oid, 0, 'text search configuration', s.name || '.' || quote_ident(c.cfgname),
           concat_ws(E'\n',
               (SELECT quote_ident(n.nspname) || '.' || quote_ident(prsname)
                FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = prsnamespace WHERE p.oid = c.cfgparser),
               (SELECT string_agg(concat_ws(' ', maptokentype, mapdict::regdictionary), ', '
                                  ORDER BY maptokentype, mapseqno)
                FROM pg_ts_config_map WHERE mapcfg = c.oid)), NULL, NULL
    FROM pg_ts_config c JOIN spaces s ON s.oid = c.cfgnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_ts_config'::regclass AND m.objid = c.oid)
    UNION ALL
    -- From here on: what lies in no schema. Of a schema in a shared database, that which is of its types.
    SELECT 'pg_cast'::regclass, c.oid, 0, 'cast',
           format('%%s AS %%s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)),
           c.castfunc::regprocedure::text, concat(c.castcontext, c.castmethod),
           -- Who uses it: without it an expression may mean another conversion, and be written alike.
           (SELECT string_agg(i.identity, ', ' ORDER BY i.identity COLLATE "C")
            FROM pg_depend d, LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) i
            WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = c.castfunc AND d.classid <> 'pg_cast'::regclass)
    FROM pg_cast c JOIN pg_type f ON f.oid = c.castsource JOIN pg_type t ON t.oid = c.casttarget
    WHERE c.oid >= 16384
      AND NOT EXISTS (
          SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i')
      )
      AND (%(schema)s::text IS NULL OR EXISTS (SELECT FROM spaces s WHERE s.oid IN (f.typnamespace, t.typnamespace)))
    UNION ALL
    SELECT 'pg_transform'::regclass, t.oid, 0, 'transform',
           format('%%s %%I', format_type(t.trftype, NULL), l.lanname),
           concat_ws(E'\n', t.trffromsql::regprocedure, t.trftosql::regprocedure), NULL, NULL
    FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang JOIN pg_type f ON f.oid = t.trftype
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_transform'::regclass AND m.objid = t.oid)
      AND (%(schema)s::text IS NULL OR EXISTS (SELECT FROM spaces s WHERE s.oid = f.typnamespace))
    UNION ALL
    SELECT 'pg_extension'::regclass, e.oid, 0, 'extension', quote_ident(e.extname), e.extnamespace::regnamespace::text,
           NULL, NULL
    FROM pg_extension e
    WHERE %(schema)s::text IS NULL AND e.oid >= 16384
    UNION ALL
    SELECT 'pg_language'::regclass, l.oid, 0, 'language', quote_ident(l.lanname),
           concat_ws(E'\n', l.lanplcallfoid::regprocedure, l.laninline::regprocedure, l.lanvalidator::regprocedure),
           l.lanpltrusted::text, NULL
    FROM pg_language l
    WHERE %(schema)s::text IS NULL AND l.oid >= 16384
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_language'::regclass AND m.objid = l.oid)
    UNION ALL
    SELECT 'pg_am'::regclass, a.oid, 0, 'access method', quote_ident(a.amname), a.amhandler::regprocedure::text,
           a.amtype::text, NULL
    FROM pg_am a
    WHERE %(schema)s::text IS NULL AND a.oid >= 16384
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_am'::regclass AND m.objid = a.oid)
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, 'foreign-data wrapper', quote_ident(w.fdwname),
           concat_ws(E'\n', nullif(w.fdwhandler, 0)::regprocedure::text, nullif(w.fdwvalidator, 0)::regprocedure::text),
           w.fdwoptions::text, NULL
    FROM pg_foreign_data_wrapper w
    WHERE %(schema)s::text IS NULL
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = w.oid)
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, f.oid, 0, 'server', quote_ident(f.srvname), quote_ident(w.fdwname),
           jsonb_build_array(f.srvtype, f.srvversion, f.srvoptions)::text, NULL
    FROM pg_foreign_server f JOIN pg_foreign_data_wrapper w ON w.oid = f.srvfdw
    WHERE %(schema)s::text IS NULL
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_foreign_server'::regclass AND m.objid = f.oid)
    UNION ALL
    SELECT 'pg_event_trigger'::regclass, e.oid, 0, 'event trigger', quote_ident(e.evtname),
           e.evtfoid::regprocedure::text, jsonb_build_array(e.evtevent, e.evtenabled, e.evttags)::text, NULL
    FROM pg_event_trigger e
    WHERE %(schema)s::text IS NULL
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid)
    UNION ALL
    SELECT 'pg_publication'::regclass, p.oid, 0, 'publication', quote_ident(p.pubname),
           concat_ws(E'\n',
               (SELECT string_agg(concat_ws(' ', prrelid::regclass, ARRAY(
                           SELECT quote_ident(attname) FROM pg_attribute
                           WHERE attrelid = prrelid AND attnum = ANY (prattrs) ORDER BY 1
                       )), ', ' ORDER BY prrelid::regclass::text COLLATE "C")
                FROM pg_publication_rel WHERE prpubid = p.oid),
               (SELECT string_agg(pnnspid::regnamespace::text, ', ' ORDER BY pnnspid::regnamespace::text COLLATE "C")
                FROM pg_publication_namespace WHERE pnpubid = p.oid)),
           concat(p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot,
                  nullif(to_jsonb(p) ->> 'pubgencols', 'n')),
           (SELECT string_agg(pg_get_expr(prqual, prrelid), E'\n' ORDER BY prrelid::regclass::text COLLATE "C")
            FROM pg_publication_rel WHERE prpubid = p.oid)
    FROM pg_publication p
    WHERE %(schema)s::text IS NULL
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_publication'::regclass AND m.objid = p.oid)
