"""Digests tell rows apart whatever they hold, are the same in each copy, and keep no lock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tenantry.contents import digest
from tenantry.contents.access import Access
from tenantry.contents.reader import ContentReader
from tenantry.contents.watch import Watch
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.content import Content, Counting, TableContent
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Home, Isolation, TenantId, owner_role
from tests.integration.conftest import World

# A value of each type that has no bound, as SQL that `{}` makes another of.
VALUES = {
    "text": "repeat('a', 3000) || '{}'",
    "varchar": "'{}'::varchar",
    "varchar(20)": "'{}'::varchar",
    "char(3000)": "'{}'",
    "char(3)": "'{}'",
    "bytea": r"decode(repeat('0a', 3000), 'hex') || '\x0{}'::bytea",
    "json": """('{{"a": ' || '{}' || '}}')::json""",
    "jsonb": """('{{"a": ' || '{}' || '}}')::jsonb""",
    "text[]": "ARRAY['x', NULL, '{}']",
    "numeric": "repeat('9', 3000)::numeric + {}",
    "bit varying": "repeat('1', 3000)::varbit || {}::bit(4)::varbit",
    "tsvector": "'{}'::tsvector",
    "int4range": "int4range({}, 100)",
    "inet": "'10.0.0.{}'::inet",
    "pair": "ROW('x', {})::pair",
    "pair[]": "ARRAY[ROW('\"', {})::pair]",
    "word": "'{}'::text::word",
    "words": "ARRAY['{}']::words",
    "deep": "'{}'::text::deep",
}
MADE = """CREATE TYPE pair AS (a text, b int); CREATE DOMAIN word AS text; CREATE DOMAIN words AS text[];
          CREATE DOMAIN deep AS word"""
# What these rows have given in backups of format 2, and since format 3: neither may ever change.
ROWS = (
    "(1, 'a \"quoted\" \\ text', '\\x00ff'::bytea, '{\"a\": [1]}'::jsonb, ARRAY['x', NULL]), (2, '', NULL, NULL, '{}')"
)
OLD = TableContent(2, "-636993557190071476")
NEW = TableContent(2, "3131346433677849347")


@pytest.fixture(scope="module")
def tenant(world: World) -> TenantId:
    tenant_id = world.add_tenant(1)
    world.execute(MADE, tenant_id.value, owner_role(tenant_id))
    return tenant_id


@contextmanager
def reading(world: World, tenant: TenantId) -> Iterator[ContentReader]:
    access = Access(Home("", Isolation.DATABASE, tenant.value, "public"), world.credentials[tenant], owner_role(tenant))
    with ContentReader(access, ConnectSettings()) as reader:
        yield reader


def read(world: World, tenant: TenantId, counting: Counting = Counting()) -> Content:  # noqa: B008
    with reading(world, tenant) as reader:
        return reader.content(counting)


@pytest.fixture
def run(world: World, tenant: TenantId) -> Callable[[str], list[Any]]:
    return lambda statement: world.execute(statement, tenant.value, owner_role(tenant))


def test_values_of_every_type_are_told_apart(world: World, tenant: TenantId, run: Callable[[str], list[Any]]) -> None:
    """Tables have the same rows in another order, and one stored in another way; or another value, or none."""
    rows = {"same": (1, None), "stored": (None, 1), "other": (2, None), "nulls": (None, None)}
    made = []
    for n, (kind, value) in enumerate(VALUES.items()):
        for name, numbers in rows.items():
            made.append(f"CREATE TABLE {name}_{n} (id int, v {kind})")
            values = [value.format(number) if number else "NULL" for number in numbers]
            made += [f"INSERT INTO {name}_{n} VALUES (1, {written})" for written in values]
    storage = [
        f"ALTER TABLE stored_{n} ALTER v SET STORAGE EXTERNAL" for n, kind in enumerate(VALUES) if kind == "text"
    ]
    run("; ".join([*made, *storage, f"UPDATE stored_{list(VALUES).index('text')} SET v = v || ''"]))
    found = read(world, tenant).tables
    for n, kind in enumerate(VALUES):
        assert found[f"same_{n}"] == found[f"stored_{n}"], kind
        assert len({found[f"{name}_{n}"].digest for name in ("same", "other", "nulls")}) == 3, kind
    run(
        "; ".join(f"DROP TABLE {name}_{n}" for n in range(len(VALUES)) for name in ("same", "stored", "other", "nulls"))
    )


def test_digests_of_a_format_do_not_change(world: World, tenant: TenantId, run: Callable[[str], list[Any]]) -> None:
    run(f"CREATE TABLE kept (id int, a text, b bytea, c jsonb, d text[]); INSERT INTO kept VALUES {ROWS}")
    now, before = read(world, tenant).tables["kept"], read(world, tenant, Counting(whole=True)).tables["kept"]
    run("DROP TABLE kept")
    assert (before, now) == (OLD, NEW)


@pytest.mark.parametrize("at", [0, 7, 8, 15])
def test_each_byte_of_a_large_object_counts(
    world: World, tenant: TenantId, run: Callable[[str], list[Any]], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Objects end before, at and after the end of a piece; one byte of the longest is changed."""
    monkeypatch.setattr(digest, "PIECE_BYTES", 8)
    made = [run(f"SELECT lo_from_bytea(0, decode(repeat('61', {size}), 'hex'))")[0][0] for size in (0, 1, 7, 8, 9, 16)]
    try:
        before = read(world, tenant).large_objects
        assert before == read(world, tenant).large_objects
        assert before
        assert before.rows == len(made)
        run(f"SELECT lo_put({made[-1]}, {at}, 'b')")
        changed = read(world, tenant).large_objects
        run(f"SELECT lo_put({made[-1]}, {at}, 'a')")
        assert changed != before
        assert read(world, tenant).large_objects == before
        run(f"SELECT lo_put({made[-1]}, 16, 'a')")
        assert read(world, tenant).large_objects not in (before, changed)
    finally:
        run("; ".join(f"SELECT lo_unlink({number})" for number in made))


def test_no_table_is_locked_for_longer_than_it_is_read(
    world: World, tenant: TenantId, run: Callable[[str], list[Any]]
) -> None:
    """Thirty tables with four indexes and a sequence each need the locks of one, and then none."""
    names = [f"many_{n}" for n in range(30)]
    keys = ("id", "a", "id, a", "a, id")
    for name in names:
        indexes = "; ".join(f"CREATE INDEX ON {name} ({key})" for key in keys)
        run(f"CREATE TABLE {name} (id serial, a int); {indexes}")
    held: list[int] = []
    try:
        with reading(world, tenant) as reader:
            watch = _Locks(world, tenant, reader.connection.info.backend_pid)
            reader.content(watch=watch)
            watch.done()
            held = watch.held
    finally:
        run("; ".join(f"DROP TABLE {name}" for name in names))
    assert len(held) > len(names)
    assert 0 < max(held) <= 6
    assert held[-1] == 0


class _Locks(Watch):
    """Asks after each table how many of the tenant's relations the count has locked."""

    def __init__(self, world: World, tenant: TenantId, pid: int) -> None:
        self.held: list[int] = []
        self._world, self._tenant, self._pid = world, tenant, pid

    def done(self) -> None:
        ((held,),) = self._world.execute(
            f"""SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                WHERE l.pid = {self._pid} AND c.relnamespace = 'public'::regnamespace""",
            self._tenant.value,
        )
        self.held.append(held)


def test_what_has_taken_a_tables_place_is_not_counted_for_it(
    world: World, tenant: TenantId, run: Callable[[str], list[Any]]
) -> None:
    """Between the snapshot and the count a table is exchanged, read, and exchanged again: its name tells nothing."""
    # The last one is still locked when it has been read.
    run("CREATE TABLE one AS SELECT 1 AS a; CREATE TABLE two AS SELECT 2 AS a; CREATE TABLE zero ()")
    exchange = "ALTER TABLE one RENAME TO three; ALTER TABLE two RENAME TO one; ALTER TABLE three RENAME TO two"
    try:
        with reading(world, tenant) as reader:
            run(exchange)
            with pytest.raises(Conflict) as refused:
                reader.content(watch=_After(len(reader.tables), lambda: run(exchange)))
    finally:
        run("DROP TABLE one, two, zero")
    assert refused.value.code == "tables_rewritten"


class _After(Watch):
    """Does something when so many tables were read."""

    def __init__(self, tables: int, act: Callable[[], Any]) -> None:
        self._left, self._act = tables, act

    def done(self) -> None:
        self._left -= 1
        if not self._left:
            self._act()
