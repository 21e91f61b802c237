-- Media types of the database's own.
CREATE DOMAIN "application/vnd.tally" AS text;
CREATE DOMAIN "text/html" AS text;
CREATE FUNCTION greeting(name text) RETURNS "text/html" LANGUAGE sql STABLE AS $$ SELECT '<p>' || name || '</p>' $$;
CREATE FUNCTION jottings() RETURNS SETOF notes LANGUAGE sql STABLE AS $$ SELECT * FROM notes ORDER BY id $$;
CREATE FUNCTION add_to_tally(tally text, next notes) RETURNS "application/vnd.tally" LANGUAGE sql IMMUTABLE
    AS $$ SELECT tally || '|' || next.id $$;
CREATE AGGREGATE tally_notes(notes) (SFUNC = add_to_tally, STYPE = "application/vnd.tally", INITCOND = 'notes');
CREATE DOMAIN "application/vnd.count" AS text;
CREATE FUNCTION add_to_count(total text, next anyelement) RETURNS "application/vnd.count" LANGUAGE sql IMMUTABLE
    AS $$ SELECT total || '.' $$;
CREATE AGGREGATE count_anything(anyelement) (SFUNC = add_to_count, STYPE = "application/vnd.count", INITCOND = 'n');
