"""Blocks of things that need each other, often in a circle, so that the order in which they are made again matters."""

from tests.integration.odd.pen import Block, Pen


def circles(pen: Pen) -> list[str]:
    """A table whose default, check and index call functions that take its own rows or read a view of it."""
    table, view, row, count, age = (pen.own(hint) for hint in ("circle", "round", "ofrow", "counted", "age"))
    c, bare = pen.name("c"), table.removeprefix(f"{pen.place}.")
    return [
        f"CREATE TABLE {table} (id int, {c} int)",
        f"CREATE FUNCTION {row}({table}) RETURNS int IMMUTABLE RETURN ($1).id * 2",
        f"CREATE FUNCTION {age}(a int DEFAULT 2 + 3) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a; END'",
        f"ALTER TABLE {table} ADD CONSTRAINT {pen.name('ck')} CHECK ({row}({bare}) < 1000)",
        f"ALTER TABLE {table} ADD d int DEFAULT {age}(), ADD g int GENERATED ALWAYS AS ({age}(id)) STORED",
        f"CREATE INDEX {pen.name('i')} ON {table} ({age}(id)) WHERE {age}({c}) > 0",
        f"CREATE VIEW {view} AS SELECT t.id, {row}(t) AS twice FROM {table} t",
        f"CREATE FUNCTION {count}(v {view}, OUT n bigint) BEGIN ATOMIC SELECT count(*) FROM {view} WHERE id"
        f" > v.id; END",
        f"CREATE OR REPLACE VIEW {view} AS SELECT t.id, {row}(t) AS twice, {age}(t.id) AS more FROM {table} t",
        f"CREATE VIEW {pen.own('last')} AS SELECT {count}(v) AS n, v.* FROM {view} v",
        f"INSERT INTO {table} (id, {c}) VALUES (1, 2), (3, NULL)",
        f"CREATE MATERIALIZED VIEW {pen.own('kept')} AS SELECT *, {age}(id) AS aged FROM {view}",
    ]


def keyed_views(pen: Pen) -> list[str]:
    """A view that is grouped by a key depends on the key, and is made again after it."""
    table, view, name = pen.own("keyed"), pen.own("bykey"), pen.name("n")
    return [
        f"CREATE TABLE {table} (id int PRIMARY KEY, {name} text, m int)",
        f"INSERT INTO {table} VALUES (1, 'a', 2), (2, 'b', 3)",
        f"CREATE VIEW {view} AS SELECT id, {name}, count(*) FROM {table} GROUP BY id",
        f"CREATE MATERIALIZED VIEW {pen.own('matkey')} AS SELECT * FROM {view}",
        f"CREATE FUNCTION {pen.own('rows')}() RETURNS SETOF {view} BEGIN ATOMIC SELECT * FROM {view}; END",
        f"CREATE RULE {pen.name('r')} AS ON INSERT TO {view} DO INSTEAD INSERT INTO {table} VALUES (NEW.id,"
        f" NEW.{name})",
        f"ALTER TABLE {table} ALTER m SET NOT NULL, ADD CHECK (m > 0)",
    ]


def rows_in_columns(pen: Pen) -> list[str]:
    """Columns that are another table's rows, of which columns were dropped and added since."""
    inner, outer, whole = pen.own("inner"), pen.own("outer"), pen.own("whole")
    return [
        f"CREATE TABLE {inner} (a int, gone text, b numeric)",
        f"CREATE TABLE {outer} (r {inner}, rs {inner}[])",
        f"INSERT INTO {outer} VALUES ((1, 'x', 1.50), ARRAY[(2, 'y', NULL)::{inner}, NULL])",
        f"ALTER TABLE {inner} DROP gone",
        f"ALTER TABLE {inner} ADD late text",
        f"INSERT INTO {outer} VALUES ((1, 2.0, 'it''s'), '{{}}')",
        f"CREATE DOMAIN {whole} AS {inner} CHECK ((VALUE).a > 0)",
        f"CREATE TABLE {pen.own('ofdomain')} (w {whole}, ws {whole}[], PRIMARY KEY (w))",
        f"CREATE VIEW {pen.own('parts')} AS SELECT (r).a AS first, (rs[1]).b AS second, (r).* FROM {outer}",
    ]


def types_of_types(pen: Pen) -> list[str]:
    mood, ids, valid, span, table = (pen.own(hint) for hint in ("state", "ids", "valid", "textspan", "deep"))
    check = pen.own("isvalid")
    return [
        f"CREATE TYPE {mood} AS ENUM ('a', 'b', 'c')",
        f"ALTER TYPE {mood} RENAME VALUE 'b' TO 'it''s \\'",
        f"CREATE DOMAIN {ids} AS int[] CHECK (cardinality(VALUE) < 9)",
        f"CREATE FUNCTION {check}(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT length($1) < 99'",
        f"CREATE DOMAIN {valid} AS text COLLATE \"C\" DEFAULT 'v' CHECK ({check}(VALUE))",
        f"ALTER DOMAIN {valid} ADD CONSTRAINT {pen.name('nv')} CHECK (VALUE <> 'bad') NOT VALID",
        # Its name is given: the one that PostgreSQL makes up of a long name may be cut within a letter.
        f'CREATE TYPE {span} AS RANGE (subtype = text, collation = "C", subtype_opclass = text_pattern_ops,'
        f" multirange_type_name = {pen.own('spans')})",
        f"CREATE TABLE {table} (m {mood}[], i {ids}, ii {ids}[], v {valid} NOT NULL, s {span}, k {mood})"
        f" PARTITION BY LIST (k)",
        f"CREATE TABLE {pen.own('some')} PARTITION OF {table} FOR VALUES IN ('a', NULL)",
        f"CREATE TABLE {pen.own('rest')} PARTITION OF {table} (v DEFAULT 'w', CHECK (k <> 'a')) DEFAULT",
        f"INSERT INTO {table} (m, i, s, k) VALUES ('{{a,c}}', '{{1,2}}', '[a,b)', 'a'), (NULL,"
        f" '[5:6]={{1,2}}', '(,)', NULL)",
        f"INSERT INTO {table} (k, ii) VALUES ('c', ARRAY['{{1}}', NULL]::{ids}[])",
        f"ANALYZE {table}",
    ]


def keys_of_partitions(pen: Pen) -> list[str]:
    """Keys to, from and within partitioned tables, identities there, and indexes that were attached by hand."""
    root, low, high, other, index = (pen.own(hint) for hint in ("proot", "plow", "phigh", "refers", "pindex"))
    own = pen.name("ownix")
    return [
        f"CREATE TABLE {root} (id bigint GENERATED ALWAYS AS IDENTITY, k int, up bigint, upk int, PRIMARY KEY (k, id),"
        f" n int GENERATED ALWAYS AS (k + 1) STORED) PARTITION BY RANGE (k)",
        f"CREATE TABLE {low} PARTITION OF {root} FOR VALUES FROM (MINVALUE) TO (10) WITH (fillfactor = 50)",
        f"CREATE TABLE {high} (upk int, up bigint, id bigint NOT NULL, k int NOT NULL, n int GENERATED"
        f" ALWAYS AS (k + 2) STORED)",
        f"INSERT INTO {root} (k) VALUES (1), (2)",
        f"INSERT INTO {high} (id, k) VALUES (77, 20)",
        f"CREATE UNIQUE INDEX {own} ON {high} (k, id)",
        f"ALTER TABLE {root} ATTACH PARTITION {high} FOR VALUES FROM (10) TO (MAXVALUE)",
        f"ALTER TABLE {root} ADD CONSTRAINT {pen.name('self')} FOREIGN KEY (upk, up) REFERENCES {root}"
        f" ON DELETE SET NULL DEFERRABLE",
        f"CREATE TABLE {other} (k int, id bigint, FOREIGN KEY (k, id) REFERENCES {root} ON UPDATE CASCADE)",
        f"INSERT INTO {other} VALUES (1, 1), (20, 77)",
        f"ALTER TABLE {low} ADD CHECK (up > -5), ALTER up SET DEFAULT NULL, ALTER upk SET STATISTICS 7",
        f"CREATE INDEX {index.removeprefix(pen.place + '.')} ON ONLY {root} (up)",
        f"CREATE INDEX {pen.name('lowix')} ON {low} (up) WITH (fillfactor = 44)",
        f"CREATE STATISTICS {pen.own('pstat')} (dependencies) ON k, up FROM {root}",
        f"ANALYZE {root}",
    ]


def instead(pen: Pen) -> list[str]:
    """A view that is written through a trigger, with rights and defaults of its own."""
    table, view, write = pen.own("base"), pen.own("face"), pen.own("write")
    return [
        f"CREATE TABLE {table} (a int PRIMARY KEY, b text)",
        f"CREATE VIEW {view} AS SELECT a AS {pen.name('x')}, b FROM {table} WHERE b SIMILAR TO 'a%|b_' OR b ~~* 'c%'",
        f"CREATE FUNCTION {write}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS"
        f" $f$ BEGIN RETURN NEW; END $f$",
        f"CREATE TRIGGER {pen.name('tr')} INSTEAD OF INSERT OR UPDATE OR DELETE ON {view} FOR EACH ROW"
        f" EXECUTE FUNCTION {write}()",
        f"ALTER VIEW {view} ALTER b SET DEFAULT 'it''s'",
        f"GRANT INSERT (b), SELECT ON {view} TO {pen.role('viewer')}",
        f"REVOKE ALL ON FUNCTION {write}() FROM PUBLIC",
        f"CREATE TABLE {pen.own('like')} (LIKE {table} INCLUDING ALL, CONSTRAINT {pen.name('k')} UNIQUE (b, a))",
    ]


def identified(pen: Pen) -> list[str]:
    """How a row is told, by which index a table is ordered, and what is known of an index's expressions."""
    table, one, two = pen.own("told"), pen.name("one"), pen.name("two")
    return [
        f"CREATE TABLE {table} (a int NOT NULL, b int NOT NULL, c text)",
        f"INSERT INTO {table} SELECT n, -n, n::text FROM generate_series(1, 30) n",
        f"CREATE UNIQUE INDEX {one} ON {table} (a, b)",
        f"CREATE INDEX {two} ON {table} ((a + b), lower(c))",
        f"ALTER TABLE {table} REPLICA IDENTITY USING INDEX {one}",
        f"ALTER TABLE {table} CLUSTER ON {one}",
        f"ALTER INDEX {pen.place}.{two} ALTER COLUMN 2 SET STATISTICS 9",
        # A deferrable key may be made of it, and then no dump of PostgreSQL's can be restored.
        f"ALTER TABLE {table} ADD CONSTRAINT {pen.name('using')} UNIQUE USING INDEX {one}",
        f"ALTER TABLE {table} ALTER a ADD GENERATED BY DEFAULT AS IDENTITY (START 31)",
    ]


ENTANGLED: list[Block] = [
    circles,
    keyed_views,
    rows_in_columns,
    types_of_types,
    keys_of_partitions,
    instead,
    identified,
]
