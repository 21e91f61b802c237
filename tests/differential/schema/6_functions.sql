-- What /rpc meets: results of every form, and parameters of every form.
CREATE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a + b $$;
CREATE FUNCTION greet(name text DEFAULT 'you', loud boolean DEFAULT false) RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT CASE WHEN loud THEN upper('hello ' || name) ELSE 'hello ' || name END $$;
CREATE FUNCTION answer() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 42 $$;
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql VOLATILE AS $$ SELECT $$;
CREATE FUNCTION nothing_stable() RETURNS void LANGUAGE sql STABLE AS $$ SELECT $$;
CREATE FUNCTION unknown_number() RETURNS int LANGUAGE sql STABLE AS $$ SELECT NULL::int $$;
CREATE FUNCTION truth() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT true $$;
CREATE FUNCTION leap_day() RETURNS date LANGUAGE sql STABLE AS $$ SELECT date '2024-02-29' $$;
CREATE FUNCTION a_kind() RETURNS ship_kind LANGUAGE sql STABLE AS $$ SELECT 'tug'::ship_kind $$;
CREATE FUNCTION a_call() RETURNS callsign LANGUAGE sql STABLE AS $$ SELECT 'XY'::callsign $$;
CREATE FUNCTION a_paint() RETURNS paint LANGUAGE sql STABLE AS $$ SELECT 255::paint $$;
CREATE FUNCTION some_json() RETURNS json LANGUAGE sql STABLE AS $$ SELECT '{"b": 1, "a": [null, "x"]}'::json $$;
CREATE FUNCTION some_numbers() RETURNS int[] LANGUAGE sql STABLE AS $$ SELECT '{1,2,3}'::int[] $$;
CREATE FUNCTION some_bytes() RETURNS bytea LANGUAGE sql STABLE AS $$ SELECT '\x00ff'::bytea $$;
CREATE FUNCTION a_spot() RETURNS spot LANGUAGE sql STABLE AS $$ SELECT (1.5, 2.5)::spot $$;
CREATE FUNCTION two_spots() RETURNS SETOF spot LANGUAGE sql STABLE
    AS $$ VALUES (1.5, 2.5), (3.5, NULL) $$;
CREATE FUNCTION numbers_up_to(n int) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS $$ SELECT generate_series(1, n) $$;
CREATE FUNCTION words_of(text text) RETURNS SETOF text LANGUAGE sql IMMUTABLE
    AS $$ SELECT regexp_split_to_table(text, ' ') $$;
CREATE FUNCTION json_rows() RETURNS SETOF json LANGUAGE sql STABLE AS $$ VALUES ('{"a":1}'::json), ('[2]'), ('null') $$;
CREATE FUNCTION pairs() RETURNS TABLE (id int, label text) LANGUAGE sql STABLE
    AS $$ VALUES (1, 'one'), (2, 'two'), (3, NULL) $$;
CREATE FUNCTION one_column() RETURNS TABLE (value int) LANGUAGE sql STABLE AS $$ VALUES (1), (2) $$;
CREATE FUNCTION a_record() RETURNS record LANGUAGE sql STABLE AS $$ SELECT 1, 'x'::text $$;
CREATE FUNCTION all_ships() RETURNS SETOF ships LANGUAGE sql STABLE AS $$ SELECT * FROM ships $$;
CREATE FUNCTION ships_of(kind ship_kind) RETURNS SETOF ships LANGUAGE sql STABLE
    AS $$ SELECT * FROM ships WHERE ships.kind = ships_of.kind $$;
CREATE FUNCTION ship(id bigint) RETURNS ships LANGUAGE sql STABLE AS $$ SELECT * FROM ships WHERE ships.id = ship.id $$;
CREATE FUNCTION one_ship(id bigint) RETURNS SETOF ships ROWS 1 LANGUAGE sql STABLE
    AS $$ SELECT * FROM ships WHERE ships.id = one_ship.id $$;
CREATE FUNCTION ferry_list() RETURNS SETOF ferries LANGUAGE sql STABLE AS $$ SELECT * FROM ferries $$;
CREATE FUNCTION many_voyages() RETURNS SETOF voyages LANGUAGE sql STABLE AS $$ SELECT * FROM voyages $$;
CREATE FUNCTION total(VARIADIC numbers int[] DEFAULT '{}') RETURNS int LANGUAGE sql IMMUTABLE
    AS $$ SELECT coalesce(sum(n), 0)::int FROM unnest(numbers) n $$;
CREATE FUNCTION joined(glue text, VARIADIC parts text[]) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT array_to_string(parts, glue) $$;
CREATE FUNCTION sum_of(numbers int[]) RETURNS int LANGUAGE sql IMMUTABLE
    AS $$ SELECT sum(n)::int FROM unnest(numbers) n $$;
CREATE FUNCTION pick(data json, key text) RETURNS json LANGUAGE sql IMMUTABLE AS $$ SELECT data -> key $$;
CREATE FUNCTION pick_binary(data jsonb, key text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT data -> key $$;
CREATE FUNCTION "Odd Call"("First Arg" int, "second.arg" text) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT "First Arg" || ':' || "second.arg" $$;
CREATE FUNCTION area(side int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT side * side $$;
CREATE FUNCTION area(width int, height int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT width * height $$;
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT x * 2 $$;
CREATE FUNCTION twice(x text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT x || x $$;
CREATE FUNCTION maybe(a int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'one' $$;
CREATE FUNCTION maybe(a int, b int DEFAULT 2) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'two' $$;
CREATE FUNCTION split_name(name text, OUT first text, OUT last text) LANGUAGE sql IMMUTABLE
    AS $$ SELECT split_part(name, ' ', 1), split_part(name, ' ', 2) $$;
CREATE FUNCTION one_out(OUT n int) LANGUAGE sql IMMUTABLE AS $$ SELECT 7 $$;
CREATE FUNCTION bump(INOUT n int) LANGUAGE sql IMMUTABLE AS $$ SELECT n + 1 $$;
CREATE FUNCTION bump_two(INOUT a int, INOUT b int DEFAULT 5) LANGUAGE sql IMMUTABLE AS $$ SELECT a + 1, b + 1 $$;
CREATE FUNCTION take_json(json) RETURNS json LANGUAGE sql IMMUTABLE AS $$ SELECT json_build_object('got', $1) $$;
CREATE FUNCTION take_jsonb(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT jsonb_build_object('got', $1) $$;
CREATE FUNCTION take_text(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'got ' || $1 $$;
CREATE FUNCTION take_bytes(bytea) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) $$;
CREATE FUNCTION take_xml(xml) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'got ' || $1::text $$;
CREATE FUNCTION gulp(json) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'json ' || $1 $$;
CREATE FUNCTION gulp(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'text ' || $1 $$;
CREATE FUNCTION take_or_add(json) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'json ' || $1 $$;
CREATE FUNCTION take_or_add(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'bytes ' || length($1) $$;
CREATE FUNCTION take_or_add() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'nothing' $$;
CREATE FUNCTION take_or_add(a int, b int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'sum ' || a + b $$;
CREATE FUNCTION take_two_json(json) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;
CREATE FUNCTION take_two_json(jsonb) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 2 $$;
CREATE FUNCTION named_json(data json) RETURNS json LANGUAGE sql IMMUTABLE AS $$ SELECT data $$;
CREATE FUNCTION hidden_sum(a int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a $$;
REVOKE ALL ON FUNCTION hidden_sum(int) FROM PUBLIC;

-- What a function may do besides answering.
CREATE FUNCTION add_note(text text) RETURNS notes LANGUAGE sql VOLATILE
    AS $$ INSERT INTO notes (id, text) VALUES (900, add_note.text) RETURNING * $$;
CREATE FUNCTION add_notes(count int) RETURNS SETOF notes LANGUAGE sql VOLATILE
    AS $$ INSERT INTO notes (id, text) SELECT 900 + i, 'many' FROM generate_series(1, count) i RETURNING * $$;
CREATE FUNCTION sneaky() RETURNS int LANGUAGE sql STABLE AS $$ SELECT 1 $$;
CREATE FUNCTION volatile_number() RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT 5 $$;
CREATE FUNCTION pay() RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN RAISE sqlstate 'PT402' USING message = 'Payment required', detail = 'The quay is dear', hint = 'Pay'; END $$;
CREATE FUNCTION fail(state text, message text DEFAULT 'it failed') RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN RAISE EXCEPTION USING errcode = state, message = fail.message; END $$;
CREATE FUNCTION plain_failure() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE EXCEPTION 'plain: %', 1; END $$;
CREATE FUNCTION refuse(problem text, detail text) RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN RAISE sqlstate 'PGRST' USING message = problem, detail = refuse.detail; END $$;
CREATE FUNCTION teapot() RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('response.status', '418', true);
    PERFORM set_config('response.headers', '[{"X-Tea": "green"}, {"Cache-Control": "max-age=60"}]', true);
    RETURN '{"tea": true}';
END $$;
CREATE FUNCTION set_response(status text, headers text) RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('response.status', status, true);
    PERFORM set_config('response.headers', headers, true);
    RETURN 1;
END $$;
CREATE FUNCTION setting(name text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting(name, true) $$;
CREATE FUNCTION claim(name text) RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT current_setting('request.jwt.claims', true)::json ->> name $$;
CREATE FUNCTION sent_header(name text) RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT current_setting('request.headers', true)::json ->> name $$;
CREATE FUNCTION who() RETURNS text LANGUAGE sql STABLE AS $$ SELECT regexp_replace(current_user, '^.*_', '') $$;
