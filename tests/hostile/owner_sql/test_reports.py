"""No tenant forges, blocks or floods a report: what it makes is counted, and too much of it is its own fault."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.tenant import Isolation, owner_role
from tenantry.reports.isolation import probe
from tenantry.reports.isolation.findings import Finding, Hole, Severity, fold
from tests.integration.conftest import World
from tests.integration.reports.isolation.conftest import Audit, administrators, audit, holes
from tests.integration.reports.isolation.test_shared_databases import shared_database
from tests.postgres import temporary_postgres

__all__ = ["administrators", "audit"]

# Functions and operators of the very types that an audit has in hand: they would be chosen before PostgreSQL's own.
SHADOWS = {
    "the outcome": """CREATE FUNCTION public.to_jsonb(text) RETURNS jsonb LANGUAGE sql AS
                      $$ SELECT '"42501"'::jsonb $$""",
    "the outcomes": """CREATE FUNCTION public.array_append(text[], text) RETURNS text[] LANGUAGE sql AS
                       $$ SELECT $1 OPERATOR(pg_catalog.||) '42501'::text $$""",
    "the answer": """CREATE FUNCTION public.to_json(text[]) RETURNS json LANGUAGE sql AS
                     $$ SELECT pg_catalog.to_json(ARRAY(SELECT '42501' FROM unnest($1))) $$""",
    "the plan": """CREATE FUNCTION public.jsonb_array_elements_text(jsonb) RETURNS SETOF text LANGUAGE sql AS
                   $$ SELECT '42501'::text WHERE false $$""",
    "who it is": """CREATE FUNCTION public.has_database_privilege(name, text) RETURNS boolean LANGUAGE sql AS
                    $$ SELECT false $$""",
    "a comparison": """CREATE FUNCTION public.never(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
                       CREATE OPERATOR public.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = public.never)""",
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own: reports look at all that there is."""
    with temporary_postgres("for hostile reports") as server:
        yield server


@pytest.mark.parametrize("shadow", SHADOWS.values(), ids=SHADOWS.keys())
def test_a_function_of_a_tenants_own_hides_no_hole(world: World, audit: Audit, shadow: str) -> None:
    """Makes functions that answer in the place of PostgreSQL's own: the hole is found all the same."""
    first, second = world.tenants
    world.execute(shadow, first.value, owner_role(first))
    world.execute(f'GRANT USAGE ON SCHEMA public TO "{first}_login_a"', first.value, owner_role(first))
    world.execute(f'GRANT "{second}_viewer" TO "{first}_login_a"')
    try:
        report = audit()
    finally:
        world.execute(f'REVOKE "{second}_viewer" FROM "{first}_login_a"')
        world.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public", first.value)
        world.execute(f'ALTER SCHEMA public OWNER TO "{first}_owner"', first.value)
    assert (Hole.ROLE_ASSUMED, first.value, second.value) in holes(report)
    assert report.unchecked == []


def test_more_tables_than_anybody_looks_at_are_their_makers_fault(
    world: World, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Makes so many tables that they can't be tried: the maker is not checked, and the neighbour is, holes and all."""
    monkeypatch.setattr(probe, "MOST_TABLES", 200)
    with shared_database(world, Isolation.SCHEMA) as names:
        each = f"""EXECUTE format('CREATE TABLE "{names["a"]}".t%s ()', n)"""
        make = f"DO $$ BEGIN FOR n IN 1..300 LOOP {each}; END LOOP; END $$"
        world.execute(make, "shared", f"{names['a']}_owner")
        flooded = audit()
        world.execute(f'GRANT USAGE ON SCHEMA "{names["b"]}" TO "{names["a"]}_viewer"', "shared")
        world.execute(f'GRANT SELECT ON "{names["b"]}".notes TO "{names["a"]}_viewer"', "shared")
        holed = audit()
    assert [(item.tenant, item.code) for item in flooded.unchecked] == [(names["a"], "too_many_tables")]
    assert flooded.findings == []
    assert not flooded.passed
    assert (Hole.ROWS_READABLE, names["a"], names["b"]) in holes(holed)


def test_a_tenant_that_takes_all_the_time_is_the_one_that_is_not_checked(
    world: World, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds locks on what its neighbour tries, until the time for it is up: the neighbour is checked."""
    monkeypatch.setattr(probe, "_CONNECT", probe._CONNECT.__class__(connect_timeout=5, statement_timeout_ms=700))
    with shared_database(world, Isolation.SCHEMA) as names, closing(world.admin("shared")) as session:
        session.autocommit = False
        with session.cursor() as cursor:
            cursor.execute(f'GRANT USAGE ON SCHEMA "{names["a"]}" TO PUBLIC')
            session.commit()
            for number in range(12):
                cursor.execute(f'CREATE TABLE "{names["a"]}".held{number} ()')
            session.commit()
            for number in range(12):
                cursor.execute(f'LOCK TABLE "{names["a"]}".held{number} IN ACCESS EXCLUSIVE MODE')
        report = audit()
    assert {(item.tenant, item.other, item.code) for item in report.unchecked} == {(names["a"], names["b"], "57014")}
    assert {finding.what for finding in report.findings} == {Hole.PUBLIC_GRANT}
    assert report.attempts_by_tenant[names["b"]] > 10


TRAPS = {
    "a view": "CREATE VIEW {a}.trap AS SELECT {a}.spring()",
    "a view for a condition": "CREATE VIEW {a}.trap AS SELECT 1 WHERE {a}.spring() = 1",
    "a policy": """CREATE TABLE {a}.trap AS SELECT 1 AS one; ALTER TABLE {a}.trap ENABLE ROW LEVEL SECURITY;
                   CREATE POLICY trap ON {a}.trap USING ({a}.spring() = 1)""",
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_nothing_of_a_neighbours_runs_with_the_rights_of_whoever_is_checked(
    world: World, audit: Audit, trap: str
) -> None:
    """Puts a function into what every neighbour is tried at: it may be read, which is told, and never runs."""
    with shared_database(world, Isolation.SCHEMA) as names:
        schema = f'"{names["a"]}"'
        # What it does to a sequence stays when everything else is taken back.
        spring = """
            CREATE SEQUENCE {a}.caught; GRANT ALL ON SEQUENCE {a}.caught TO PUBLIC;
            CREATE FUNCTION {a}.spring() RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
            $$ BEGIN RETURN nextval('{a}.caught'); END $$;
            GRANT USAGE ON SCHEMA {a} TO PUBLIC;
        """
        made = f"{spring}{trap}; GRANT SELECT ON {{a}}.trap TO PUBLIC".replace("{a}", schema)
        world.execute(made, "shared", f"{names['a']}_owner")
        report = audit()
        caught = world.execute(f"SELECT is_called FROM {schema}.caught", "shared")
    assert caught == [(False,)]
    assert (Hole.ROWS_READABLE, names["b"], names["a"]) in holes(report)


def test_grants_by_the_thousand_are_one_finding_with_their_number(world: World, audit: Audit) -> None:
    """Grants everybody everything, on tables and columns by the thousand: a report says so in a few lines."""
    first, second = world.tenants
    many = f"""DO $$ BEGIN FOR n IN 1..150 LOOP
        EXECUTE format('CREATE TABLE flood.t%s (a int, b int, c int, d int)', n);
        EXECUTE format('GRANT SELECT (a, b, c, d) ON flood.t%s TO PUBLIC, "{second}_viewer", "{second}_editor"', n);
        EXECUTE format('GRANT SELECT ON flood.t%s TO PUBLIC, "{second}_viewer", "{second}_editor"', n);
    END LOOP; END $$"""
    world.execute(f"CREATE SCHEMA flood; {many}", first.value, owner_role(first))
    try:
        report = audit()
    finally:
        world.execute("DROP SCHEMA flood CASCADE", first.value)
    told = {(f.what, f.tenant, f.where.partition(" ")[0], f.number, len(f.examples)) for f in report.findings}
    assert told == {
        (Hole.PUBLIC_GRANT, first.value, "relation", 150, 5),
        (Hole.PUBLIC_GRANT, first.value, "column", 600, 5),
        (Hole.FOREIGN_GRANT, second.value, "relation", 150, 5),
        (Hole.FOREIGN_GRANT, second.value, "column", 600, 5),
    }
    assert len(report.findings) == 4
    assert len(json.dumps(report.to_json())) < 8_000
    assert report.unchecked == []


def test_more_kinds_of_grants_than_anybody_looks_at_are_their_makers_fault(
    world: World, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grants in ever new schemas, to hide one grant among many: the maker is not checked to the end, and it is told."""
    monkeypatch.setattr(probe, "_MOST_KINDS", 3)
    first, second = world.tenants
    schemas = [f"flood_{number}" for number in range(6)]
    for schema in schemas:
        made = f'CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO "{second}_viewer"'
        world.execute(made, first.value, owner_role(first))
    try:
        report = audit()
    finally:
        world.execute("".join(f"DROP SCHEMA {schema} CASCADE;" for schema in schemas), first.value)
    assert [(item.tenant, item.code) for item in report.unchecked] == [(first.value, "too_many_grants")]
    assert {finding.what for finding in report.findings} == {Hole.FOREIGN_GRANT}


def test_of_many_alike_there_is_one() -> None:
    """Lets every tenant of the server into its database: what is found is as long as somebody would read."""
    of_one = {Finding(Hole.ROWS_READABLE, Severity.CRITICAL, "s", "a", "b", f"public.t{n:04}") for n in range(500)}
    (finding,) = fold(of_one)
    assert (finding.tenant, finding.number, finding.where) == ("a", 500, "public.t0000")
    assert finding.examples == tuple(f"public.t{n:04}" for n in range(5))

    of_all = {Finding(Hole.FOREIGN_CONNECT, Severity.CRITICAL, "s", f"t{n:05}", "b", "b") for n in range(10_000)}
    (finding,) = fold(of_all)
    assert (finding.tenant, finding.other, finding.number) == ("", "b", 10_000)
    assert finding.examples == ("t00000", "t00001", "t00002", "t00003", "t00004")

    few = {Finding(Hole.ROWS_READABLE, Severity.CRITICAL, "s", "a", "b", f"public.t{n}") for n in range(20)}
    assert fold(few) == few
