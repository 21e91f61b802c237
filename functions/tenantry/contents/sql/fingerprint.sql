-- How every object of a home is defined: its kind, its name, and its definition in three parts. `named` is what
-- PostgreSQL writes alike in every version and with schemas' names in it, `own` is the tenant's own text and flags,
-- `written` is an expression or a statement that versions of PostgreSQL write differently.
-- {rare} are the kinds of fingerprint_rare.sql, which a server needs as long to plan as all others together.
-- Run this with only pg_catalog in search_path, so that names of other schemas appear with their schema's name, and no
-- function or operator of the tenant's is called. NOT NULL is a column's flag: servers before 18 know no constraint.
WITH spaces AS MATERIALIZED (
    SELECT oid, quote_ident(nspname) AS name
    FROM pg_namespace
    WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' AND (%(schema)s::text IS NULL OR nspname = %(schema)s)
),
-- What belongs to an extension comes with it, in whatever version the server has.
members AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
relations AS MATERIALIZED (
    SELECT c.*, s.name || '.' || quote_ident(c.relname) AS name
    FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace
    WHERE c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
),
types AS MATERIALIZED (
    SELECT t.*, s.name || '.' || quote_ident(t.typname) AS name
    FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
),
parents AS MATERIALIZED (
    SELECT inhrelid, string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) AS names FROM pg_inherits GROUP BY 1
),
things (class, object, part, kind, name, named, own, written) AS (
    SELECT 'pg_namespace'::regclass, oid, 0, 'schema', CASE name WHEN quote_ident(%(main)s) THEN '@' ELSE name END,
           NULL::text, NULL::text, NULL::text
    FROM spaces
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, 0,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                          WHEN 'c' THEN 'composite type' ELSE 'table' END,
           c.name,
           concat_ws(E'\n', p.names, CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
                     (SELECT quote_ident(srvname) FROM pg_foreign_server WHERE oid = f.ftserver)),
           jsonb_build_array(
               c.relkind, c.relpersistence,
               -- A view's check option is dumped as a clause, and comes back as the last.
               ARRAY(SELECT option FROM unnest(c.reloptions) option ORDER BY option COLLATE "C"), t.reloptions, c.relrowsecurity, c.relforcerowsecurity,
               -- What no dump brings back is told otherwise: an index that is gone, or was made deferrable afterwards.
               CASE WHEN c.relreplident = 'i' AND NOT EXISTS (
                   SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indimmediate
               ) THEN 'd' ELSE c.relreplident END, c.relispartition, a.amname, f.ftoptions, c.relkind = 'm' AND c.relispopulated,
               CASE WHEN c.relkind = 'c' THEN ARRAY(
                   SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND NOT attisdropped ORDER BY attnum
               ) END
           )::text,
           concat_ws(E'\n', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
                     CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
                     CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END)
    FROM relations c
    LEFT JOIN parents p ON p.inhrelid = c.oid
    LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
    LEFT JOIN pg_am a ON a.oid = c.relam
    LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, a.attnum::int, 'column', c.name || '.' || quote_ident(a.attname),
           format_type(a.atttypid, a.atttypmod) || CASE
               WHEN a.attcollation NOT IN (0, t.typcollation) THEN E'\n' || a.attcollation::regcollation::text ELSE ''
           END,
           -- One text, and no JSON: most objects of a home are columns. A partition's identity is that of the table above
           -- it; where partitions have partitions, what was attached does not say so again.
           concat(a.attnotnull, CASE WHEN NOT c.relispartition THEN a.attidentity END, a.attgenerated, a.attstorage, a.attcompression,
                  nullif(a.attstattarget, -1), ' ', a.attoptions, ' ', a.attfdwoptions),
           CASE WHEN a.atthasdef THEN pg_get_expr(d.adbin, d.adrelid) END
    FROM relations c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, 0, 'sequence', c.name,
           -- An identity's sequence is made anew with its column's type, and may have had another (CREATE TABLE with LIKE).
           concat_ws(E'\n', CASE WHEN NOT EXISTS (
               SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i'
           ) THEN format_type(q.seqtypid, NULL) END, (
               SELECT d.refobjid::regclass::text || '.' || quote_ident(a.attname)
               FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
               WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                 AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
           )),
           concat_ws(' ', c.relpersistence, q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcache, q.seqcycle),
           NULL
    FROM relations c JOIN pg_sequence q ON q.seqrelid = c.oid
    UNION ALL
    -- An index that was not completed is in no dump.
    SELECT 'pg_class'::regclass, c.oid, 0, 'index', c.name, p.names,
           concat(i.indisunique, i.indisclustered, i.indisreplident, c.relkind = 'I' AND NOT i.indisvalid,
                  (SELECT string_agg(concat(attnum, ' ', attstattarget), ' ' ORDER BY attnum)
                   FROM pg_attribute WHERE attrelid = c.oid AND attstattarget >= 0)),
           pg_get_indexdef(c.oid)
    FROM relations c JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN parents p ON p.inhrelid = c.oid
    WHERE i.indisvalid OR c.relkind = 'I'
    UNION ALL
    -- A partition's foreign keys come with its parent's, under names that the server makes up.
    SELECT 'pg_constraint'::regclass, k.oid, 0, 'constraint', coalesce(c.name, t.name) || '.' || quote_ident(k.conname),
           CASE WHEN k.confrelid <> 0 THEN k.confrelid::regclass::text END,
           concat(k.contype, k.condeferrable, k.condeferred, k.convalidated, k.contype = 'c' AND k.connoinherit,
                  coalesce(to_jsonb(k) ->> 'conenforced', 'true')),
           pg_get_constraintdef(k.oid)
    FROM pg_constraint k LEFT JOIN relations c ON c.oid = k.conrelid LEFT JOIN types t ON t.oid = k.contypid
    WHERE k.contype NOT IN ('n', 't')
      AND coalesce(c.oid, t.oid) IS NOT NULL
      AND NOT (k.contype = 'f' AND k.conparentid <> 0)
    UNION ALL
    SELECT 'pg_rewrite'::regclass, r.oid, 0, 'rule', c.name || '.' || quote_ident(r.rulename), NULL,
           concat(r.ev_type, r.ev_enabled, r.is_instead), pg_get_ruledef(r.oid)
    FROM pg_rewrite r JOIN relations c ON c.oid = r.ev_class
    WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, 0, 'trigger', c.name || '.' || quote_ident(t.tgname),
           t.tgfoid::regprocedure::text, concat(t.tgtype, t.tgenabled, t.tgdeferrable, t.tginitdeferred),
           pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN relations c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, 0, 'policy', c.name || '.' || quote_ident(p.polname), NULL,
           concat(p.polcmd, p.polpermissive),
           concat(pg_get_expr(p.polqual, p.polrelid), E'\n', pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy p JOIN relations c ON c.oid = p.polrelid
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, e.oid, 0, 'statistics', s.name || '.' || quote_ident(e.stxname),
           e.stxrelid::regclass::text, nullif(e.stxstattarget, -1)::text, pg_get_statisticsobjdef(e.oid)
    FROM pg_statistic_ext e JOIN spaces s ON s.oid = e.stxnamespace
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_statistic_ext'::regclass AND m.objid = e.oid)
    UNION ALL
    -- Functions that come with a range type come with it.
    SELECT 'pg_proc'::regclass, p.oid, 0,
           CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
           format('%%s.%%I(%%s)', s.name, p.proname, (
               SELECT string_agg(format_type(type, NULL), ', ' ORDER BY place)
               FROM unnest(p.proargtypes) WITH ORDINALITY a(type, place)
           )),
           concat_ws(E'\n', format_type(p.prorettype, NULL), format_type(nullif(p.provariadic, 0), NULL),
                     nullif(p.prosupport, 0)::regprocedure::text,
                     (SELECT string_agg(format_type(type, NULL), ', ' ORDER BY place)
                      FROM unnest(p.proallargtypes) WITH ORDINALITY a(type, place)),
                     a.aggtransfn::regprocedure, a.aggfinalfn::regprocedure, a.aggcombinefn::regprocedure,
                     a.aggserialfn::regprocedure, a.aggdeserialfn::regprocedure, a.aggmtransfn::regprocedure,
                     a.aggminvtransfn::regprocedure, a.aggmfinalfn::regprocedure, a.aggsortop::regoperator,
                     format_type(a.aggtranstype, NULL), format_type(a.aggmtranstype, NULL)),
           jsonb_build_array(
               p.prokind, l.lanname, p.prosrc, p.probin, p.procost, p.prorows, p.prosecdef, p.proleakproof,
               p.proisstrict, p.proretset, p.provolatile, p.proparallel, p.proargmodes, p.proargnames,
               -- A list of names is stored with the quotes that quote_all_identifiers wanted when it was set.
               (SELECT array_agg(
                           CASE WHEN split_part(own, '=', 1) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries')
                                THEN regexp_replace(own, '"([a-z_][a-z0-9_$]*)"', '\1', 'g') ELSE own END
                           ORDER BY place)
                FROM unnest(p.proconfig) WITH ORDINALITY config(own, place)),
               a.aggkind, a.aggnumdirectargs, a.aggfinalextra, a.aggmfinalextra, a.aggfinalmodify, a.aggmfinalmodify,
               a.aggtransspace, a.aggmtransspace, a.agginitval, a.aggminitval
           )::text,
           CASE WHEN p.proargdefaults IS NOT NULL OR p.prosqlbody IS NOT NULL
                THEN concat(pg_get_function_arguments(p.oid), E'\n', pg_get_function_sqlbody(p.oid)) END
    FROM pg_proc p
    JOIN spaces s ON s.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
    WHERE NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i')
    )
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0,
           CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' ELSE 'type' END, t.name,
           concat_ws(E'\n', format_type(nullif(t.typbasetype, 0), t.typtypmod),
                     nullif(t.typcollation, 0)::regcollation::text, format_type(nullif(t.typelem, 0), NULL),
                     CASE WHEN t.typtype = 'b' THEN concat_ws(E'\n', t.typinput::regprocedure, t.typoutput::regprocedure,
                          t.typreceive::regprocedure, t.typsend::regprocedure) END,
                     format_type(r.rngsubtype, NULL), format_type(r.rngmultitypid, NULL), r.rngcollation::regcollation,
                     r.rngcanonical::regprocedure, r.rngsubdiff::regprocedure,
                     (SELECT quote_ident(n.nspname) || '.' || quote_ident(opcname)
                      FROM pg_opclass o JOIN pg_namespace n ON n.oid = opcnamespace WHERE o.oid = r.rngsubopc)),
           jsonb_build_array(
               t.typnotnull, t.typlen, t.typbyval, t.typalign, t.typstorage, t.typdelim, t.typcategory, t.typispreferred,
               CASE WHEN t.typtype = 'e' THEN ARRAY(
                   SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder
               ) END,
               CASE WHEN t.typdefaultbin IS NULL THEN t.typdefault END
           )::text,
           pg_get_expr(t.typdefaultbin, 0)
    FROM types t LEFT JOIN pg_range r ON r.rngtypid = t.oid
    WHERE t.typtype IN ('b', 'd', 'e', 'r')
      AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    {rare}
)
SELECT kind, name, coalesce(named, ''), coalesce(own, ''), coalesce(written, '') FROM things
-- A new database comes with the one, a home is the other.
WHERE NOT (kind = 'schema' AND name IN ('public', '@'))
UNION ALL
-- An extension's comment comes with it.
SELECT 'comment', concat_ws(' ', t.kind, t.name), '', d.description, ''
FROM things t JOIN pg_description d ON (d.classoid, d.objoid, d.objsubid) = (t.class, t.object, t.part)
WHERE t.kind <> 'extension' AND NOT (t.kind = 'schema' AND d.description = 'standard public schema')
UNION ALL
SELECT 'security label', concat_ws(' ', t.kind, t.name, l.provider), '', l.label, ''
FROM things t JOIN pg_seclabel l ON (l.classoid, l.objoid, l.objsubid) = (t.class, t.object, t.part)
UNION ALL
SELECT 'comment', concat('large object ', d.objoid), '', d.description, ''
FROM pg_description d
WHERE %(schema)s::text IS NULL AND d.classoid = 'pg_largeobject'::regclass
UNION ALL
SELECT 'comment', 'database', '', shobj_description(oid, 'pg_database'), ''
FROM pg_database
WHERE %(schema)s::text IS NULL AND datname = current_database() AND shobj_description(oid, 'pg_database') IS NOT NULL
UNION ALL
SELECT 'setting',
       CASE WHEN split_part(setting, '=', 1) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries')
            THEN regexp_replace(setting, '"([a-z_][a-z0-9_$]*)"', '\1', 'g') ELSE setting END, '', '', ''
FROM pg_db_role_setting s, unnest(s.setconfig) setting
WHERE %(schema)s::text IS NULL
  AND s.setrole = 0 AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
