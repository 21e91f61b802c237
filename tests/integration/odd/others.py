"""Blocks of what is neither a table nor code: sequences, rights, texts' rules, comments, large objects and settings."""

from tests.integration.odd.pen import Block, Pen, quoted


def sequences(pen: Pen) -> list[str]:
    shared, bounded, one, two = pen.own("shared"), pen.own("bounded"), pen.own("uses"), pen.own("owns")
    literal = shared.replace("'", "''")
    return [
        f"CREATE SEQUENCE {shared} START 100",
        f"CREATE {pen.maybe('UNLOGGED ')}SEQUENCE {bounded} AS smallint INCREMENT -3 MINVALUE -9 MAXVALUE 9"
        f" CACHE 2 CYCLE",
        f"CREATE TABLE {one} (a int DEFAULT nextval('{literal}'), b bigint DEFAULT nextval('{literal}'::regclass) + 1)",
        f"CREATE TABLE {two} (a serial, b smallserial, c int)",
        f"ALTER SEQUENCE {bounded} OWNED BY {two}.c",
        f"INSERT INTO {one} DEFAULT VALUES",
        f"INSERT INTO {two} (c) VALUES (1), (2)",
        f"SELECT setval('{literal}', 9223372036854775806, {pen.one('true', 'false')})",
        f"ALTER TABLE {two} DROP b",
        f"COMMENT ON SEQUENCE {shared} IS 'it''s shared'",
    ]


def rights(pen: Pen) -> list[str]:
    """Rights that were given, taken, and given on, on things of each kind."""
    table, function, view, kind = pen.own("granted"), pen.own("call"), pen.own("look"), pen.own("kind")
    viewer, editor = pen.role("viewer"), pen.role("editor")
    own = pen.one("UPDATE", "INSERT, DELETE", "TRUNCATE, MAINTAIN")
    return [
        f"CREATE TABLE {table} (a int, b text)",
        f"CREATE VIEW {view} AS SELECT a FROM {table}",
        f"CREATE SEQUENCE {pen.place}.{quoted(f'seq {pen.number}')}",
        f"CREATE FUNCTION {function}() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        f"CREATE TYPE {kind} AS ENUM ('a')",
        f"REVOKE ALL ON {table} FROM {viewer}, {editor}",
        f"GRANT SELECT (a), UPDATE (b) ON {table} TO {viewer}",
        f"GRANT INSERT, TRIGGER, REFERENCES, MAINTAIN ON {table} TO {editor} WITH GRANT OPTION",
        f"REVOKE {own} ON {table} FROM {pen.role('owner')}",
        f"GRANT USAGE ON SCHEMA {pen.place} TO {editor}",
        f"SET ROLE {editor}",
        f"GRANT INSERT ON {table} TO {viewer}",
        f"SET ROLE {pen.role('owner')}",
        f"GRANT SELECT ON {view} TO PUBLIC",
        f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {function}() TO {viewer}",
        f"REVOKE USAGE ON TYPE {kind} FROM PUBLIC",
        f"GRANT UPDATE ON SEQUENCE {pen.place}.{quoted(f'seq {pen.number}')} TO {viewer} WITH GRANT OPTION",
    ]


def owned_by_others(pen: Pen) -> list[str]:
    """What another of the tenant's roles has made, and owns."""
    editor, table = pen.role("editor"), pen.own("editors")
    # The owner may not read the sequence of a serial: a copy is refused then.
    kind = pen.one("serial", "int DEFAULT 7", "int DEFAULT 8", "int DEFAULT 9")
    return [
        f"GRANT USAGE, CREATE ON SCHEMA {pen.place} TO {editor}",
        f"SET ROLE {editor}",
        f"CREATE TABLE {table} (id {kind} NOT NULL, t text UNIQUE)",
        f"INSERT INTO {table} (t) VALUES ('a'), (NULL)",
        f"CREATE VIEW {pen.own('editorsview')} AS SELECT id FROM {table}",
        f"CREATE FUNCTION {pen.own('editorsfun')}() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        f"GRANT SELECT ON {table} TO {pen.role('viewer')}, {pen.role('owner')} WITH GRANT OPTION",
        f"SET ROLE {pen.role('owner')}",
        *([f"REVOKE CREATE ON SCHEMA {pen.place} FROM {editor}"] if pen.rng.random() < 0.5 else []),
    ]


def shut(pen: Pen) -> list[str]:
    """What hides rows from their owner, too: policies that bind it, rights that it has taken from itself."""
    forced, taken, owner = pen.own("forced"), pen.own("taken"), pen.role("owner")
    return [
        f"CREATE TABLE {forced} (id int, s varchar(5))",
        f"INSERT INTO {forced} VALUES (1, 'a'), (2, NULL)",
        f"ALTER TABLE {forced} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        f"CREATE TABLE {taken} (id serial, s text)",
        f"INSERT INTO {taken} (s) VALUES ('a'), (NULL)",
        f"REVOKE ALL ON {taken}, {forced} FROM {owner}",
        f"CREATE SEQUENCE {pen.place}.{quoted(f'shut {pen.number}')} START 7",
        f"REVOKE ALL ON SEQUENCE {pen.place}.{quoted(f'shut {pen.number}')} FROM {owner}",
        f"CREATE SCHEMA {quoted(f'shut {pen.number}')}",
        f"CREATE TABLE {quoted(f'shut {pen.number}')}.within AS SELECT 1 AS a",
        f"REVOKE ALL ON SCHEMA {quoted(f'shut {pen.number}')} FROM {owner}",
        f"SELECT lo_from_bytea({200_000 + pen.number}, 'x')",
        f"REVOKE ALL ON LARGE OBJECT {200_000 + pen.number} FROM {owner}",
    ]


def default_rights(pen: Pen) -> list[str]:
    within = pen.maybe(f"IN SCHEMA {pen.place} ") if pen.is_whole else f"IN SCHEMA {pen.place} "
    given = f"ALTER DEFAULT PRIVILEGES {within}GRANT SELECT, UPDATE ON TABLES TO {pen.role('viewer')}"
    late = pen.own("late")
    return [
        given,
        f"ALTER DEFAULT PRIVILEGES {within}GRANT USAGE ON SEQUENCES TO {pen.role('viewer')}",
        f"CREATE TABLE {late} (a serial)",
        f"ALTER DEFAULT PRIVILEGES {within}REVOKE UPDATE ON TABLES FROM {pen.role('viewer')}",
    ]


def text_rules(pen: Pen) -> list[str]:
    dictionary, parsed, collation, table = pen.own("dict"), pen.own("conf"), pen.own("coll"), pen.own("sorted")
    return [
        f"CREATE TEXT SEARCH DICTIONARY {dictionary} (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false)",
        f"CREATE TEXT SEARCH CONFIGURATION {parsed} (COPY = pg_catalog.simple)",
        f"ALTER TEXT SEARCH CONFIGURATION {parsed} ALTER MAPPING FOR asciiword, word WITH {dictionary}, simple",
        f"ALTER TEXT SEARCH CONFIGURATION {parsed} DROP MAPPING FOR email",
        f"CREATE COLLATION {collation} (provider = {pen.one('libc', 'builtin')}, locale = 'C')",
        f"CREATE CONVERSION {pen.own('conv')} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        f"CREATE TABLE {table} (t text COLLATE {collation}, v tsvector)",
        f"INSERT INTO {table} VALUES ('the quick', to_tsvector('{parsed.replace("'", "''")}', 'the quick'))",
        f"CREATE INDEX {pen.name('i')} ON {table} (t COLLATE {collation} DESC)",
        f"COMMENT ON COLLATION {collation} IS 'it''s sorted'",
    ]


def comments(pen: Pen) -> list[str]:
    """Comments of many kinds, one of which looks like SQL and has two lines."""
    table, column, index = pen.own("said"), pen.name("c"), pen.name("ix")
    text = r"E'it\'s; -- \\ %s\nDROP TABLE x; $$ \u0001'"
    return [
        f"CREATE TABLE {table} ({column} int, CONSTRAINT {pen.name('k')} CHECK ({column} > 0))",
        f"CREATE INDEX {index} ON {table} ({column})",
        f"COMMENT ON TABLE {table} IS {text}",
        f"COMMENT ON COLUMN {table}.{column} IS {text}",
        f"COMMENT ON INDEX {pen.place}.{index} IS {text}",
        f"COMMENT ON SCHEMA {pen.place} IS {text}",
        *([f"COMMENT ON DATABASE {quoted(str(pen.tenant_id))} IS {text}"] if pen.is_whole else []),
    ]


def large_objects(pen: Pen) -> list[str]:
    number = 100_000 + pen.number
    return [
        f"SELECT lo_from_bytea({number}, decode(repeat('00ff5c', 5000), 'hex'))",
        f"SELECT lo_from_bytea({number + 1000}, '')",
        f"SELECT lo_put({number}, 100000, 'past a hole')",
        f"COMMENT ON LARGE OBJECT {number} IS 'it''s large'",
        f"GRANT SELECT ON LARGE OBJECT {number} TO {pen.role('viewer')}",
    ]


def settings(pen: Pen) -> list[str]:
    name = quoted(str(pen.tenant_id))
    made = pen.one(
        "timezone = 'Asia/Kolkata'",
        "datestyle = 'SQL, DMY'",
        "search_path = public, \"Odd schema.1\", 'it''s'",
        "intervalstyle = 'sql_standard'",
        "bytea_output = 'escape'",
        "extra_float_digits = -3",
        "standard_conforming_strings = off",
        "quote_all_identifiers = on",
        "xmlbinary = 'hex'",
        "row_security = off",
        "default_transaction_isolation = 'serializable'",
        "check_function_bodies = off",
        "statement_timeout = '1h'",
        "client_encoding = 'LATIN1'",
        "default_toast_compression = 'pglz'",
        "array_nulls = off",
        "transform_null_equals = on",
        "lc_monetary = 'C'",
    )
    return [f"ALTER DATABASE {name} SET {made}"]


def published(pen: Pen) -> list[str]:
    table = pen.own("published")
    return [
        f"CREATE TABLE {table} (id int PRIMARY KEY, n int)",
        f"CREATE PUBLICATION {pen.name('pub')} FOR TABLE {table} (id) WHERE (id > 2) WITH (publish = 'insert')",
    ]


def extended(pen: Pen) -> list[str]:
    name = pen.one("citext", "hstore", "ltree", "btree_gist", "btree_gin", "pg_trgm", "intarray")
    table = pen.own("extended")
    uses = {"citext": "citext", "hstore": "hstore", "ltree": "ltree"}.get(name, "text")
    schema = quoted(pen.schema)
    kind = f"{schema}.{uses}" if uses != "text" else "text"
    return [
        f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema}",
        f"CREATE TABLE {table} (a {kind})",
        f"INSERT INTO {table} VALUES ({'NULL' if uses == 'text' else "''"})",
    ]


# What a schema may have, too.
OTHERS: list[Block] = [sequences, rights, default_rights, text_rules, comments]
# What needs a database.
WHOLE: list[Block] = [owned_by_others, large_objects, settings, settings, published, extended]
