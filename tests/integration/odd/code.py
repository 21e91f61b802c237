"""Blocks of what runs or is computed: types, functions, operators, views, triggers, rules and policies."""

from tests.integration.odd.pen import Block, Pen


def types(pen: Pen) -> list[str]:
    mood, pair, short, span, table = (pen.own(hint) for hint in ("mood", "pair", "short", "span", "typed"))
    field, m = pen.name("field"), pen.name("m")
    return [
        f"CREATE TYPE {mood} AS ENUM ('sad', 'it''s \"ok\"', '', '漢字')",
        f"ALTER TYPE {mood} ADD VALUE 'so-so' BEFORE ''",
        f'CREATE TYPE {pair} AS (a int, {field} text COLLATE "C", moods {mood}[])',
        f"ALTER TYPE {pair} DROP ATTRIBUTE a, ADD ATTRIBUTE late numeric(5, 1)",
        f"CREATE DOMAIN {short} AS varchar(8) COLLATE \"C\" DEFAULT 'x' CHECK (VALUE IN ('x', 'y')) CHECK"
        f" (length(VALUE) < 8)",
        f"CREATE DOMAIN {pen.own('over')} AS {short} NOT NULL",
        f"CREATE TYPE {span} AS RANGE (subtype = float8, subtype_diff = float8mi,"
        f" multirange_type_name = {pen.own('spans')})",
        f"CREATE TABLE {table} ({m} {mood} DEFAULT 'sad', p {pair}, ps {pair}[], s {short}, ss {short}[], r {span})",
        f"INSERT INTO {table} VALUES ('', ROW('it''s', ARRAY['so-so', NULL]::{mood}[], 1.5),"
        f" ARRAY[ROW(NULL, NULL, NULL), NULL]::{pair}[], NULL, '{{x,y}}', '[1,NaN)')",
        f"INSERT INTO {table} DEFAULT VALUES",
        f"CREATE TABLE {pen.own('oftype')} OF {pair} (late WITH OPTIONS DEFAULT 2, PRIMARY KEY ({field}))",
        f"CREATE INDEX {pen.name('i')} ON {table} ({m}) WHERE {m} <> 'sad'",
        f"COMMENT ON COLUMN {pair}.late IS 'it''s late'",
    ]


def functions(pen: Pen) -> list[str]:
    """Overloaded functions and procedures in each way in which one may be written."""
    name, atomic, table = pen.own("fun"), pen.own("atomic"), pen.own("called")
    config = pen.one("SET search_path = pg_catalog", "SET work_mem = '2MB' SET datestyle = 'German, DMY'", "")
    return [
        f"CREATE TABLE {table} (a int DEFAULT 3, b text)",
        f"CREATE FUNCTION {name}(int, b text DEFAULT 'it''s', VARIADIC c numeric[] DEFAULT '{{1,2}}') RETURNS bigint"
        f" LANGUAGE sql {pen.one('IMMUTABLE', 'STABLE', 'VOLATILE')} STRICT PARALLEL SAFE COST 7 {config}"
        r" AS E'SELECT 1; -- it\'s \\ $$ %s\nSELECT $1::bigint'",
        f"CREATE FUNCTION {name}(a text) RETURNS SETOF {table} LANGUAGE plpgsql ROWS 13 {config} AS"
        " $body$ BEGIN RETURN QUERY SELECT 1, $1 || ';'; END $body$",
        f"CREATE FUNCTION {atomic}(n int DEFAULT 2 + 2, OUT x int, OUT y text) RETURNS SETOF record LANGUAGE sql"
        f" BEGIN ATOMIC SELECT a, b FROM {table} WHERE a IN (n, 5) AND b NOT IN ('q', 'r'); END",
        f"CREATE PROCEDURE {pen.own('proc')}(INOUT a int, b text DEFAULT NULL) LANGUAGE sql SECURITY DEFINER"
        f" BEGIN ATOMIC INSERT INTO {table} VALUES (a, b); UPDATE {table} SET b = 'z' WHERE a = 4; SELECT 1; END",
        f"CREATE FUNCTION {pen.own('ret')}(anyelement, anyarray DEFAULT NULL) RETURNS TABLE (q anyelement, w int)"
        " LANGUAGE sql AS 'SELECT $1, 2'",
        f"CREATE FUNCTION {pen.own('expr')}(a int) RETURNS int RETURN CASE WHEN a BETWEEN 1 AND 2 THEN a ELSE -a END",
        f"CREATE AGGREGATE {pen.own('agg')}(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0',"
        " COMBINEFUNC = numeric_add, PARALLEL = SAFE, MSFUNC = numeric_add, MINVFUNC = numeric_sub, MSTYPE = numeric)",
        f"CREATE AGGREGATE {pen.own('many')}(VARIADIC int[]) (SFUNC = array_cat, STYPE = int[], INITCOND = '{{}}')",
        f"COMMENT ON FUNCTION {name}(text) IS 'it''s %s; a \\ comment'",
    ]


def operators(pen: Pen) -> list[str]:
    pair, equal, table = pen.own("opair"), pen.own("oeq"), pen.own("oused")
    sign = f"{pen.place}.@#{'=' * (pen.number % 9 + 1)}{'~' * (pen.number // 9 % 9 + 1)}"
    return [
        f"CREATE TYPE {pair} AS (a int, b int)",
        f"CREATE FUNCTION {equal}({pair}, {pair}) RETURNS boolean IMMUTABLE RETURN ($1).a = ($2).a",
        f"CREATE OPERATOR {sign} (LEFTARG = {pair}, RIGHTARG = {pair}, FUNCTION = {equal}, RESTRICT = eqsel,"
        " JOIN = eqjoinsel)",
        f"CREATE TABLE {table} (p {pair}, q {pair}, CHECK (p OPERATOR({sign}) q))",
        f"INSERT INTO {table} VALUES ((1, 2), (1, 3)), (NULL, (1, 1))",
        f"CREATE VIEW {pen.own('opview')} AS SELECT p OPERATOR({sign}) q AS same FROM {table}",
    ]


def casts(pen: Pen) -> list[str]:
    pair, shown = pen.own("cpair"), pen.own("shown")
    return [
        f"CREATE TYPE {pair} AS (a int, b text)",
        f"CREATE FUNCTION {shown}({pair}) RETURNS bigint IMMUTABLE RETURN ($1).a",
        f"CREATE CAST ({pair} AS bigint) WITH FUNCTION {shown}({pair}) {pen.one('', 'AS ASSIGNMENT', 'AS IMPLICIT')}",
        f"CREATE CAST ({pair} AS text) WITH INOUT",
        f"COMMENT ON CAST ({pair} AS bigint) IS 'how it''s counted'",
    ]


def views(pen: Pen) -> list[str]:
    """Views on views, with expressions that are written otherwise, and columns renamed below them."""
    table, first, second, s = pen.own("seen"), pen.own("view"), pen.own("nested"), pen.name("s")
    option = pen.one("security_barrier", "security_invoker = true", "security_barrier, security_invoker")
    return [
        f"CREATE TABLE {table} (id int PRIMARY KEY, {s} varchar(9), d date, t timestamptz)",
        f"INSERT INTO {table} SELECT n, 'v' || n, date '2020-01-01' + n, '2020-01-01 00:00+00' FROM"
        f" generate_series(1, 9) n",
        f"CREATE VIEW {first} WITH ({option}) AS SELECT * FROM {table} WHERE {s} IN ('v1', 'v2') OR id BETWEEN 3 AND 7"
        f" {pen.one('', 'WITH LOCAL CHECK OPTION', 'WITH CASCADED CHECK OPTION')}",
        f"CREATE VIEW {second} (x, {pen.name('y')}, z) AS SELECT a.id, count(*) FILTER (WHERE b.{s} <> ALL ('{{a,b}}'))"
        f" OVER (PARTITION BY a.d ORDER BY b.id DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES),"
        f" extract(year FROM b.d) FROM {first} a FULL JOIN {table} b USING (id) WHERE a.t AT TIME ZONE"
        f" 'UTC' > '2019-01-01'",
        f"ALTER TABLE {table} RENAME {s} TO {pen.name('renamed')}",
        f"ALTER VIEW {first} ALTER id SET DEFAULT 77",
        f"CREATE VIEW {pen.own('recur')} AS WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r"
        " WHERE n < 5) SEARCH DEPTH FIRST BY n SET o CYCLE n SET looped USING way SELECT n FROM r",
        f"CREATE VIEW {pen.own('group')} AS SELECT id, d, grouping(id), sum(id) FROM {table}"
        " GROUP BY DISTINCT GROUPING SETS ((id), CUBE (d), ()) HAVING count(*) > 0 ORDER BY 1 NULLS FIRST"
        " FETCH FIRST 3 ROWS WITH TIES",
        f"CREATE VIEW {pen.own('none')} AS SELECT",
        f"CREATE VIEW {pen.own('json')} AS SELECT JSON_OBJECT('a': 1 ABSENT ON NULL), q.* FROM JSON_TABLE('[1]', '$[*]'"
        " COLUMNS (n int PATH '$' DEFAULT 3 ON EMPTY)) q, LATERAL ROWS FROM (generate_series(1, 2),"
        " unnest('{a}'::text[]))"
        " WITH ORDINALITY u(g, h, o)",
        f"COMMENT ON COLUMN {second}.x IS 'it''s x'",
    ]


def materialized(pen: Pen) -> list[str]:
    first, second = pen.own("mat"), pen.own("matmat")
    return [
        f"CREATE MATERIALIZED VIEW {first} WITH (fillfactor = 60) AS SELECT n, n % 3 AS m FROM"
        f" generate_series(1, 20) n",
        f"CREATE UNIQUE INDEX {pen.name('i')} ON {first} (n)",
        f"CREATE MATERIALIZED VIEW {second} AS SELECT m, count(*) FROM {first} GROUP BY m",
        f"CREATE VIEW {pen.own('over')} AS SELECT * FROM {second}",
        f"CREATE MATERIALIZED VIEW {pen.own('empty')} AS SELECT 1 AS a WITH NO DATA",
        # In a database that tenants share nobody may make temporary tables, which this does.
        *(_refresh(first) if pen.is_whole and pen.rng.random() < 0.5 else []),
    ]


def triggers(pen: Pen) -> list[str]:
    """Triggers of each kind; those that are fired always would change rows that are copied in."""
    table, touch, many, part = pen.own("fired"), pen.own("touch"), pen.own("many"), pen.own("firedpart")
    names = [pen.name("tr") for _ in range(6)]
    state = pen.one("DISABLE", "ENABLE ALWAYS", "ENABLE REPLICA", "ENABLE")
    return [
        f"CREATE TABLE {table} (id int, t text)",
        f"INSERT INTO {table} VALUES (1, 'as it was'), (2, NULL)",
        f"CREATE FUNCTION {touch}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.t := coalesce(NEW.t, '') || '!'; RETURN NEW; END $$",
        f"CREATE FUNCTION {many}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        f"CREATE TRIGGER {names[0]} BEFORE INSERT OR UPDATE OF t ON {table} FOR EACH ROW"
        f" WHEN (NEW.t IS DISTINCT FROM 'x') EXECUTE FUNCTION {touch}('it''s', '\\', '%s')",
        f"CREATE TRIGGER {names[1]} AFTER UPDATE ON {table} REFERENCING OLD TABLE AS was NEW TABLE AS {pen.name('is')}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {many}()",
        f"CREATE CONSTRAINT TRIGGER {names[2]} AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        f" EXECUTE FUNCTION {many}()",
        f"CREATE TRIGGER {names[3]} BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {many}()",
        f"ALTER TABLE {table} {state} TRIGGER {names[0]}",
        f"CREATE TABLE {part} (a int) PARTITION BY LIST (a)",
        f"CREATE TABLE {pen.own('p')} PARTITION OF {part} DEFAULT",
        f"CREATE TRIGGER {names[4]} AFTER INSERT ON {part} FOR EACH ROW EXECUTE FUNCTION {many}()",
        f"COMMENT ON TRIGGER {names[0]} ON {table} IS 'it''s fired'",
        *([f"ALTER TABLE ONLY {part} DISABLE TRIGGER {names[4]}"] if pen.rng.random() < 0.3 else []),
    ]


def rules(pen: Pen) -> list[str]:
    table, log, view = pen.own("ruled"), pen.own("log"), pen.own("ruledview")
    also, instead = pen.name("also"), pen.name("instead")
    return [
        f"CREATE TABLE {table} (a int, b text)",
        f"CREATE TABLE {log} (a int, at text DEFAULT 'then')",
        f"INSERT INTO {table} VALUES (1, 'x')",
        f"CREATE RULE {also} AS ON UPDATE TO {table} WHERE OLD.a IN (1, 2) DO ALSO (INSERT INTO {log} VALUES (NEW.a);"
        f" DELETE FROM {log} WHERE a = -1)",
        f"CREATE VIEW {view} AS SELECT a FROM {table}",
        f"CREATE RULE {instead} AS ON INSERT TO {view} DO INSTEAD INSERT INTO {table} (a) VALUES (NEW.a) RETURNING a",
        f"CREATE RULE {pen.name('quiet')} AS ON DELETE TO {view} DO INSTEAD NOTHING",
        f"ALTER TABLE {table} {pen.one('DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA')} RULE {also}",
        f"COMMENT ON RULE {also} ON {table} IS 'it''s a rule'",
        *([f"CREATE RULE {pen.name('no')} AS ON INSERT TO {log} DO INSTEAD NOTHING"] if pen.rng.random() < 0.5 else []),
    ]


def policies(pen: Pen) -> list[str]:
    """Row-level security of which nobody who copies may lose a row."""
    table, other = pen.own("secured"), pen.own("looked")
    whom = pen.role("viewer") if pen.rng.random() < 0.1 else "PUBLIC"
    return [
        f"CREATE TABLE {table} (id int, s varchar(5))",
        f"CREATE TABLE {other} (id int)",
        f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b'), (3, NULL)",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY {pen.name('own')} ON {table} AS RESTRICTIVE FOR UPDATE TO {whom} USING (s IN ('a',"
        f" 'b') AND id > 0)"
        f" WITH CHECK (EXISTS (SELECT FROM {other} o WHERE o.id = {table}.id))",
        f"CREATE POLICY {pen.name('all')} ON {table} USING (session_user <> 'it''s')",
    ]


CODE: list[Block] = [types, functions, operators, casts, views, materialized, triggers, rules, policies]


def _refresh(view: str) -> list[str]:
    # PostgreSQL can't do it where all identifiers are quoted: it puts the end of a name behind the quotes.
    return [
        "SET quote_all_identifiers = off",
        f"REFRESH MATERIALIZED VIEW CONCURRENTLY {view}",
        "RESET quote_all_identifiers",
    ]
