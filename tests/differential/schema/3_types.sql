-- One column of each type that a filter meets.
CREATE TABLE samples (
    id int PRIMARY KEY,
    small smallint,
    big bigint,
    real real,
    double double precision,
    exact numeric(12, 3),
    truth boolean,
    words text,
    short varchar(12),
    padded char(5),
    day date,
    hour time,
    moment timestamp,
    instant timestamptz,
    span interval,
    ident uuid,
    plain json,
    binary_json jsonb,
    numbers int[],
    names text[],
    int_range int4range,
    num_range numrange,
    day_range daterange,
    vector tsvector,
    kind ship_kind,
    call callsign,
    raw bytea,
    address inet,
    place spot,
    places spot[]
);
INSERT INTO samples VALUES
    (1, 1, 9007199254740993, 1.5, 2.25, 10.500, true, 'Alpha one', 'alpha', 'a', '2021-03-04', '08:15',
     '2021-03-04 05:06:07', '2021-03-04 05:06:07.123456+00', '1 day 02:00', '00000000-0000-4000-8000-000000000001',
     '{"a": 1, "a b": {"c": [10, 20]}}', '{"a": 1, "b": {"c": [10, 20]}, "s": "x"}', '{1,2,3}', '{red,green}', '[1,5)',
     '[1.5,2.5]', '[2021-01-01,2021-02-01)', 'fat:1A cat:2', 'cutter', 'AB', '\x00ff10', '10.0.0.1', '(1.5,2.5)',
     '{"(1,2)","(3,4)"}'),
    (2, -2, -5, -1.25, 1e10, -0.001, false, 'beta, two', 'beta', 'bb', '1999-12-31', '23:59:59',
     '1999-12-31 23:59:59', '1999-12-31 23:59:59+02', '-3 days', '00000000-0000-4000-8000-000000000002',
     '[1, 2, {"k": "v"}]', '[1, 2, {"k": "v"}]', '{}', '{"a,b","say \"x\"",NULL}', '(,10]', '(0,)', 'empty',
     'rat:1 dog:2', 'ferry', 'ABCDEF', '\x', '10.0.0.0/8', '(-1.25,0)', '{}'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (4, 32767, 0, 'NaN', 'Infinity', 123456789.125, true, '', 'x', '', '2024-02-29', '00:00', '2024-02-29 00:00',
     '2024-02-29 00:00+00', '1 year 2 mons', '00000000-0000-4000-8000-000000000004', '"text"', '"text"', '{4,NULL,6}',
     '{""}', '[7,9]', '[3,4)', '[2024-02-01,)', '', 'tug', 'QQQ', '\x414243', '::1', '(,)', '{NULL}'),
    (5, 7, 7, 7, 7, 7, false, 'Größe 100% *_\ "q" (x)', 'ünï', 'ccccc', '2023-06-15', '12:00', '2023-06-15 12:00',
     '2023-06-15 12:00-05', '00:00:07', '00000000-0000-4000-8000-000000000005', 'null', 'null', '{7}',
     '{null,"with space","{brace}"}', '[5,5]', '[7,7]', '[2023-06-15,2023-06-16)', 'fat:3 rat:4', 'tanker', 'ZZ',
     '\xdeadbeef', '192.168.1.0/24', '(7,7)', '{"(7,7)"}');

-- A domain that is shown and read in another form than it is stored in.
CREATE DOMAIN paint AS int;
CREATE FUNCTION paint_shown(shade paint) RETURNS json LANGUAGE sql IMMUTABLE
    AS $$ SELECT to_json('#' || lpad(to_hex(shade), 6, '0')) $$;
CREATE FUNCTION paint_read(shade json) RETURNS paint LANGUAGE sql IMMUTABLE
    AS $$ SELECT ('x' || lpad(ltrim(shade #>> '{}', '#'), 8, '0'))::bit(32)::int $$;
CREATE FUNCTION paint_read(shade text) RETURNS paint LANGUAGE sql IMMUTABLE
    AS $$ SELECT ('x' || lpad(ltrim(shade, '#'), 8, '0'))::bit(32)::int $$;
CREATE CAST (paint AS json) WITH FUNCTION paint_shown(paint) AS IMPLICIT;
CREATE CAST (json AS paint) WITH FUNCTION paint_read(json) AS IMPLICIT;
CREATE CAST (text AS paint) WITH FUNCTION paint_read(text) AS IMPLICIT;
CREATE TABLE buoys (
    id int PRIMARY KEY,
    label text NOT NULL,
    colour paint
);
INSERT INTO buoys VALUES (1, 'north', 16711680), (2, 'south', 255), (3, 'lost', NULL);
