"""Blocks of tables, with what belongs to one: columns, keys, checks, indexes, partitions and rows."""

from tests.integration.odd.pen import Block, Pen
from tests.integration.odd.values import TYPES


def every_type(pen: Pen) -> list[str]:
    """A table of many types, with a row for each value of the one that has most, and one of nothing."""
    table, kinds = pen.own("types"), pen.rng.sample(sorted(TYPES), 14)
    columns = [(pen.name("c"), kind) for kind in kinds]
    made = ", ".join(f"{name} {kind}" for name, kind in columns)
    rows = []
    for number in range(max(len(TYPES[kind]) for kind in kinds)):
        values = (f"({TYPES[kind][number % len(TYPES[kind])]})" for kind in kinds)
        rows.append(f"INSERT INTO {table} VALUES ({', '.join(values)})")
    return [f"CREATE TABLE {table} ({made})", *rows, f"INSERT INTO {table} DEFAULT VALUES"]


def no_columns(pen: Pen) -> list[str]:
    """A table without columns has rows, and one may lose its last column."""
    table, other = pen.own("bare"), pen.own("bared")
    return [
        f"CREATE TABLE {table} ()",
        f"INSERT INTO {table} DEFAULT VALUES",
        f"INSERT INTO {table} DEFAULT VALUES",
        f"CREATE TABLE {other} (a int)",
        f"INSERT INTO {other} VALUES (1), (2)",
        f"ALTER TABLE {other} DROP a",
    ]


def many_columns(pen: Pen) -> list[str]:
    table, count = pen.own("wide"), pen.rng.randrange(300, 1200)
    columns = ", ".join(f"c{n} {pen.rng.choice(('int', 'text', 'bool'))}" for n in range(count))
    return [
        f"CREATE TABLE {table} ({columns})",
        f"INSERT INTO {table} (c1, c{count - 1}) VALUES (NULL, NULL)",
        *(f"ALTER TABLE {table} DROP c{n}" for n in (0, 7, 19)),
        f"INSERT INTO {table} DEFAULT VALUES",
    ]


def dropped_and_rewritten(pen: Pen) -> list[str]:
    """Rows from before columns came and went, updated, deleted and vacuumed."""
    table, old, new = pen.own("worn"), pen.name("old"), pen.name("new")
    return [
        f"CREATE TABLE {table} (id int PRIMARY KEY, {old} text DEFAULT 'x', b varchar(5), d int)",
        f"INSERT INTO {table} (id, b) SELECT n, n FROM generate_series(1, 300) n",
        f"ALTER TABLE {table} DROP {old}, ADD {new} timestamptz DEFAULT '2020-01-01 00:00+00' NOT NULL, ADD e text",
        f"ALTER TABLE {table} ADD {old} int DEFAULT 7, ALTER b TYPE text, ALTER d SET DEFAULT 4",
        f"UPDATE {table} SET b = b || 'y' WHERE id % 3 = 0",
        f"DELETE FROM {table} WHERE id % 7 = 0",
        f"VACUUM ({pen.one('FULL', 'FREEZE', 'ANALYZE')}) {table}",
        f"UPDATE {table} SET e = 'z' WHERE id % 5 = 0",
    ]


def stored_oddly(pen: Pen) -> list[str]:
    table, big = pen.own("stored"), pen.name("big")
    kind = pen.maybe("UNLOGGED ")
    return [
        f"CREATE {kind}TABLE {table} (id int, {big} text COMPRESSION pglz, packed bytea, j jsonb)"
        " WITH (fillfactor = 37, toast.autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.013,"
        " parallel_workers = 2, toast_tuple_target = 256, vacuum_truncate = off)",
        f"ALTER TABLE {table} ALTER {big} SET STORAGE {pen.one('EXTERNAL', 'MAIN', 'PLAIN', 'EXTENDED')},"
        f" ALTER packed SET STORAGE MAIN, ALTER id SET STATISTICS 313, ALTER {big} SET (n_distinct = -0.5)",
        f"INSERT INTO {table} SELECT n, repeat(md5(n::text), 60), decode(repeat(md5(n::text), 30), 'hex'),"
        " jsonb_build_object('n', n, 'x', repeat('y', 400)) FROM generate_series(1, 5) n",
        f"ALTER TABLE {table} REPLICA IDENTITY {pen.one('FULL', 'NOTHING', 'DEFAULT')}",
    ]


def inherited(pen: Pen) -> list[str]:
    """Parents and children whose columns, defaults and checks are their own, inherited, or both."""
    parent, second, child, late = (pen.own(hint) for hint in ("parent", "second", "child", "late"))
    check, column = pen.name("check"), pen.name("col")
    return [
        f"CREATE TABLE {parent} (a int DEFAULT 1, {column} text NOT NULL DEFAULT 'p', CONSTRAINT {check}"
        f" CHECK (a > 0))",
        f"CREATE TABLE {second} (a int, z date)",
        f"CREATE TABLE {child} (own int, {column} text DEFAULT 'c') INHERITS ({parent}, {second})",
        f"CREATE TABLE {late} (z int, {column} text NOT NULL, a int, CONSTRAINT {check} CHECK (a > 0))",
        f"ALTER TABLE {late} INHERIT {parent}",
        f"ALTER TABLE {parent} ADD added int DEFAULT 5, ADD CONSTRAINT here CHECK (a < 1000) NO INHERIT",
        f"INSERT INTO {parent} (a) VALUES (1), (2)",
        f"INSERT INTO {child} (a, own, z) VALUES (3, 4, 'infinity')",
        f"INSERT INTO {late} (z, {column}, a) VALUES (5, 'l', 6)",
        *([f"ALTER TABLE {child} NO INHERIT {second}"] if pen.rng.random() < 0.5 else []),
        *([f"ALTER TABLE ONLY {parent} DROP added"] if pen.rng.random() < 0.5 else []),
    ]


def partitioned(pen: Pen) -> list[str]:
    """Partitions of each kind under another, with a default and one that was made elsewhere."""
    root, part, hashed, other, rest = (pen.own(hint) for hint in ("root", "part", "hashed", "other", "rest"))
    key, kind = pen.name("key"), pen.name("kind")
    columns = f"{key} date NOT NULL, {kind} text NOT NULL, n int"
    done = [
        f"CREATE TABLE {root} ({columns}, g int DEFAULT 3) PARTITION BY RANGE ({key})",
        f"CREATE TABLE {part} PARTITION OF {root} FOR VALUES FROM (MINVALUE) TO ('2000-01-01') PARTITION BY"
        f" LIST ({kind})",
        f"CREATE TABLE {hashed} PARTITION OF {part} FOR VALUES IN ('it''s', 'b') PARTITION BY HASH (n, {kind})",
        *(
            f"CREATE TABLE {pen.own('bucket')} PARTITION OF {hashed} FOR VALUES WITH (MODULUS 2, REMAINDER {n})"
            for n in (0, 1)
        ),
        f"CREATE TABLE {pen.own('listed')} PARTITION OF {part} DEFAULT",
        f"CREATE TABLE {other} (n int, gone int, g int, {kind} text NOT NULL, {key} date NOT NULL)",
        f"ALTER TABLE {other} DROP gone",
        f"ALTER TABLE {root} ATTACH PARTITION {other} FOR VALUES FROM ('2000-01-01') TO ('2010-01-01')",
        f"CREATE TABLE {rest} PARTITION OF {root} DEFAULT",
        f"ALTER TABLE {rest} ALTER n SET DEFAULT 9",
        f"INSERT INTO {root} ({key}, {kind}, n) SELECT date '1990-01-01' + n * 300, (ARRAY['it''s', 'b',"
        f" 'c'])[n % 3 + 1], n"
        " FROM generate_series(1, 40) n",
        f"CREATE INDEX {pen.name('i')} ON {root} (n, {kind} DESC)",
    ]
    if pen.rng.random() < 0.5:
        done.append(f"ALTER TABLE {root} ADD PRIMARY KEY ({key}, {kind}, n)")
    if pen.rng.random() < 0.3:
        done.append(f"ALTER TABLE {root} DETACH PARTITION {other}")
    return done


def partitioned_by_expression(pen: Pen) -> list[str]:
    root, low, empty = pen.own("byexpr"), pen.own("low"), pen.own("empty")
    return [
        f'CREATE TABLE {root} (a int, b text COLLATE "C") PARTITION BY RANGE (abs(a), lower(b) COLLATE "C")',
        f"CREATE TABLE {low} PARTITION OF {root} FOR VALUES FROM (0, MINVALUE) TO (5, 'm')",
        f"CREATE TABLE {pen.own('high')} PARTITION OF {root} FOR VALUES FROM (5, 'm') TO (MAXVALUE, MAXVALUE)",
        f"CREATE TABLE {empty} (x int) PARTITION BY LIST (x)",
        f"CREATE INDEX {pen.name('i')} ON ONLY {root} (a)",
        f"INSERT INTO {root} VALUES (-3, 'A'), (9, 'z'), (5, 'n')",
    ]


def keys(pen: Pen) -> list[str]:
    """Keys that are composite, deferrable, cyclic, of the table itself, or not enforced."""
    one, two, a, b = pen.own("one"), pen.own("two"), pen.name("a"), pen.name("b")
    rule = pen.one("SET NULL (n)", "CASCADE", "SET DEFAULT", "NO ACTION")
    wait = pen.one("", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED")
    return [
        f"CREATE TABLE {one} ({a} int, {b} text, n int DEFAULT 1, up int, PRIMARY KEY ({b}, {a}) INCLUDE (n),"
        f" UNIQUE NULLS NOT DISTINCT (n, up), CONSTRAINT {pen.name('u')} UNIQUE ({a}) {wait and 'DEFERRABLE'})",
        f"CREATE TABLE {two} (id int GENERATED ALWAYS AS IDENTITY (START -5 INCREMENT -2 MAXVALUE 10 CYCLE)"
        f" PRIMARY KEY,"
        f" m int, n int, {b} text, FOREIGN KEY ({b}, n) REFERENCES {one} ({b}, {a}) MATCH {pen.one('FULL', 'SIMPLE')}"
        f" ON DELETE {rule} ON UPDATE CASCADE {wait})",
        f"ALTER TABLE {two} ADD CONSTRAINT {pen.name('self')} FOREIGN KEY (m) REFERENCES {two}",
        f"INSERT INTO {one} VALUES (1, 'x', 1, NULL), (2, 'it''s', NULL, NULL)",
        f"INSERT INTO {two} (m, n, {b}) VALUES (NULL, 1, 'x'), (-5, 2, 'it''s'), (-7, NULL, NULL)",
        f"ALTER TABLE {one} ADD CONSTRAINT {pen.name('back')} FOREIGN KEY (up) REFERENCES {two} NOT VALID",
        f"ALTER TABLE {two} ADD CONSTRAINT {pen.name('lax')} FOREIGN KEY (m) REFERENCES {two} NOT ENFORCED",
        f"UPDATE {one} SET up = -5 WHERE {a} = 1",
    ]


def checks(pen: Pen) -> list[str]:
    """Checks that PostgreSQL writes in another way than they were, and rows that those not yet valid would refuse."""
    table, s = pen.own("checked"), pen.name("s")
    return [
        f"CREATE TABLE {table} ({s} varchar(9) CHECK ({s} IN ('a', 'b', 'it''s')), c char(3) CHECK (c NOT"
        f" IN ('x', 'y')),"
        f" lo int, hi int, CONSTRAINT {pen.name('ck')} CHECK (lo BETWEEN 1 AND 9 AND (hi > lo OR hi IS NULL)),"
        f" CONSTRAINT {pen.name('nn')} NOT NULL lo)",
        f"INSERT INTO {table} VALUES ('a', 'z', 1, 2), (NULL, NULL, 5, NULL)",
        f"ALTER TABLE {table} ADD CONSTRAINT {pen.name('nv')} CHECK (lo < 3) NOT VALID",
        f"ALTER TABLE {table} ADD CONSTRAINT {pen.name('ne')} CHECK (hi > 100) NOT ENFORCED",
        f"ALTER TABLE {table} ADD CONSTRAINT {pen.name('ni')} CHECK (lo < 30) NO INHERIT",
        f"ALTER TABLE {table} ADD CONSTRAINT {pen.name('nvn')} NOT NULL hi NOT VALID",
    ]


def exclusions(pen: Pen) -> list[str]:
    table, period = pen.own("excl"), pen.name("period")
    return [
        f"CREATE TABLE {table} (id int4range, {period} tsrange, b box, n int,"
        f" CONSTRAINT {pen.name('pk')} PRIMARY KEY (id, {period} WITHOUT OVERLAPS),"
        f" CONSTRAINT {pen.name('ex')} EXCLUDE USING gist (b WITH &&) WHERE (n > 0) {pen.maybe('DEFERRABLE')},"
        f" EXCLUDE USING btree (n WITH =))",
        f"INSERT INTO {table} VALUES ('[1,2)', '[2024-01-01,2024-02-01)', '(1,1),(0,0)', 1),"
        " ('[1,2)', '[2024-02-01,)', '(9,9),(8,8)', 2)",
    ]


def indexes(pen: Pen) -> list[str]:
    table, t = pen.own("indexed"), pen.name("t")
    return [
        f"CREATE TABLE {table} (id int PRIMARY KEY, {t} text, j jsonb, p point, r int4range, v tsvector, a int[])",
        f"INSERT INTO {table} SELECT n, md5(n::text), jsonb_build_object('n', n), point(n, -n), int4range(n, n + 2),"
        " to_tsvector('simple', md5(n::text)), ARRAY[n, n + 1] FROM generate_series(1, 50) n",
        f"CREATE INDEX {pen.name('i')} ON {table} (lower({t}) text_pattern_ops DESC NULLS LAST, id) INCLUDE (a)"
        f" WITH (fillfactor = 50, deduplicate_items = off) WHERE {t} IN ('a', 'b') OR id > 3",
        f"CREATE INDEX {pen.name('i')} ON {table} USING gin (j jsonb_path_ops, a) WITH (fastupdate = off)",
        f"CREATE INDEX {pen.name('i')} ON {table} USING gist (v tsvector_ops (siglen = 100), r, p)",
        f"CREATE INDEX {pen.name('i')} ON {table} USING brin (id int4_minmax_multi_ops (values_per_range = 16))"
        " WITH (pages_per_range = 2, autosummarize = on)",
        f"CREATE INDEX {pen.name('i')} ON {table} USING hash ({t})",
        f'CREATE UNIQUE INDEX {pen.name("i")} ON {table} (({t} || id::text) COLLATE "C") NULLS NOT DISTINCT',
        f"CREATE INDEX {pen.name('i')} ON {table} USING spgist (p quad_point_ops)",
        f"CREATE INDEX CONCURRENTLY {pen.name('i')} ON {table} ((id % 3), ({t} IS NULL))",
        f"CREATE STATISTICS {pen.own('stat')} (mcv, ndistinct) ON id, {t} FROM {table}",
        f"CREATE STATISTICS {pen.own('stat')} ON (id % 3), (lower({t})) FROM {table}",
        f"ANALYZE {table}",
    ]


def computed(pen: Pen) -> list[str]:
    """Columns that are computed when written or when read, and identities of each kind."""
    table, half = pen.own("computed"), pen.name("half")
    return [
        f"CREATE TABLE {table} (id bigint GENERATED BY DEFAULT AS IDENTITY (MINVALUE -10 START 3 CACHE 5),"
        f" other smallint GENERATED ALWAYS AS IDENTITY (INCREMENT 7 MAXVALUE 100), t text DEFAULT"
        f" current_setting('timezone'),"
        f" n numeric DEFAULT 1.50, {half} numeric GENERATED ALWAYS AS (n / 2) STORED,"
        f" v text GENERATED ALWAYS AS (upper(t) || '%s') VIRTUAL, made timestamptz DEFAULT now())",
        f"INSERT INTO {table} (n, made) VALUES (3, '2020-01-01 00:00+00'), ('NaN', 'infinity'), (NULL, NULL)",
        f"INSERT INTO {table} (id, n, made) VALUES (-7, 0, '-infinity')",
    ]


TABLES: list[Block] = [
    every_type,
    every_type,
    every_type,
    no_columns,
    many_columns,
    dropped_and_rewritten,
    stored_oddly,
    inherited,
    partitioned,
    partitioned_by_expression,
    keys,
    checks,
    exclusions,
    indexes,
    computed,
]
