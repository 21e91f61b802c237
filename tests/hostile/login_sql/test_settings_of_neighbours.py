"""Settings of neighbours, which PostgreSQL shows to everybody: secrets among them are told to operators.

A tenant itself can't set what PostgreSQL doesn't know; an operator can, and who had a database before it was adopted.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import psycopg2
import pytest

from local.postgres_server import PostgresServer
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.reports.isolation.findings import Finding, Hole, Severity
from tests.integration.conftest import World
from tests.integration.relocation.conftest import BINARIES
from tests.integration.reports.isolation.conftest import SERVER, Audit, administrators, audit
from tests.integration.reports.isolation.test_shared_databases import shared_database
from tests.postgres import temporary_postgres

__all__ = ["administrators", "audit"]

VALUE = "it-is-a-secret"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own: reports look at all that there is."""
    with temporary_postgres("for settings") as server:
        yield server


def told(report_findings: list[Finding]) -> list[Finding]:
    return [finding for finding in report_findings if finding.what is Hole.READABLE_SETTING]


def found(tenant: TenantId, where: str) -> Finding:
    return Finding(Hole.READABLE_SETTING, Severity.MEDIUM, SERVER, tenant.value, where=where)


def seen_by(world: World, tenant: TenantId, database: str = "") -> str:
    """Read all settings of the server as a tenant's login, in its own database or another."""
    login = world.credentials[tenant]
    connection = world.server.connect(database or login.dbname, user=login.username, password=login.password)
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(setconfig::text, ' ') FROM pg_db_role_setting")
        ((text,),) = cursor.fetchall()
        return str(text)


# What is set, and where the report says that it is.
PLACES = {
    "a database": (
        "ALTER DATABASE \"{0}\" SET app.settings.jwt_secret = '{1}'",
        "{0}: app.settings.jwt_secret",
    ),
    "a login": (
        "ALTER ROLE \"{0}_login_a\" SET app.smtp_password = '{1}'",
        "{0}_login_a: app.smtp_password",
    ),
    "a login in a database": (
        'ALTER ROLE "{0}_login_a" IN DATABASE "{0}" SET pgrst."API_KEY" = \'{1}\'',
        "{0}_login_a in {0}: pgrst.API_KEY",
    ),
    "an address": (
        "ALTER DATABASE \"{0}\" SET app.queue = 'amqp://app:{1}@queue.example/acme'",
        "{0}: app.queue",
    ),
}


@pytest.mark.parametrize(("change", "where"), PLACES.values(), ids=PLACES.keys())
def test_a_secret_that_every_neighbour_reads_is_told(world: World, audit: Audit, change: str, where: str) -> None:
    """Reads what a neighbour has set, as PostgreSQL lets everybody: the report names it, and not its value."""
    attacker, victim = world.tenants
    statement = change.format(victim, VALUE)
    world.execute(statement)
    try:
        assert VALUE in seen_by(world, attacker)
        report = audit()
    finally:
        reset = statement.replace(" SET ", " RESET ").partition(" = ")[0]
        world.execute(reset)
    assert report.findings == [found(victim, where.format(victim))]
    assert VALUE not in str(asdict(report))
    assert audit().passed


@pytest.mark.parametrize("role", ["owner", "login_a"])
def test_a_tenant_can_put_no_secret_there(world: World, role: str) -> None:
    """Sets a parameter of an application's own, for the database or for itself: only a superuser may."""
    _, tenant = world.tenants
    for place in (f'DATABASE "{tenant}"', f'ROLE "{tenant}_{role}"'):
        change = f"SET app.secret = '{VALUE}'; ALTER {place} SET app.secret = '{VALUE}'"
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            world.execute(change, tenant.value, f"{tenant}_{role}")


@pytest.mark.parametrize("isolation", [Isolation.POOLED, Isolation.SCHEMA])
def test_it_is_told_where_tenants_share_a_database(world: World, audit: Audit, isolation: Isolation) -> None:
    """Reads what the login of a neighbour in the same database is set to: the report says whose it is."""
    attacker, victim = world.tenants
    login = f"{victim}_login_a"
    with shared_database(world, isolation):
        world.execute(f"ALTER ROLE \"{login}\" IN DATABASE shared SET app.token = '{VALUE}'")
        assert VALUE in seen_by(world, attacker, "shared")
        report = audit()
    assert told(report.findings) == [found(victim, f"{login} in shared: app.token")]


def test_settings_that_are_no_secrets_are_nobodys_business(world: World, audit: Audit) -> None:
    """Sets what applications set: a report passes with that."""
    _, victim = world.tenants
    names = {"app.settings.jwt_exp": "3600", "pgrst.db_schemas": "public", "app.home": "https://acme.example:8443/@x"}
    for name, value in names.items():
        world.execute(f"ALTER DATABASE \"{victim}\" SET {name} = '{value}'")
    try:
        assert audit().passed
    finally:
        for name in names:
            world.execute(f'ALTER DATABASE "{victim}" RESET {name}')


def test_many_settings_flood_no_report(world: World, audit: Audit) -> None:
    """Has secrets by the hundred: they are one finding, with their number."""
    _, victim = world.tenants
    login = f"{victim}_login_a"
    each = f"EXECUTE format('ALTER ROLE \"{login}\" SET app.secret_%s = %L', n, n)"
    world.execute(f"DO $$ BEGIN FOR n IN 100..399 LOOP {each}; END LOOP; END $$")
    try:
        (finding,) = audit().findings
    finally:
        each = f"EXECUTE format('ALTER ROLE \"{login}\" RESET app.secret_%s', n)"
        world.execute(f"DO $$ BEGIN FOR n IN 100..399 LOOP {each}; END LOOP; END $$")
    examples = tuple(f"{login}: app.secret_{number}" for number in range(100, 105))
    assert finding == replace(found(victim, examples[0]), number=300, examples=examples)


def dump(world: World, tenant: TenantId, directory: Path) -> int:
    """Dump a tenant's database as its login, by hand; returns the exit status."""
    login = world.credentials[tenant]
    program = [str(BINARIES / "pg_dump"), "-Fc", f"--role={owner_role(tenant)}", f"--file={directory / 'dump'}"]
    place = {"PGHOST": login.host, "PGPORT": str(login.port), "PGUSER": login.username, "PGDATABASE": login.dbname}
    done = subprocess.run(
        program, env={**os.environ, **place, "PGPASSWORD": login.password}, stderr=subprocess.DEVNULL, check=False
    )
    return done.returncode


@pytest.mark.parametrize("catalogue", ["pg_db_role_setting", "pg_shdescription"])
def test_they_are_shown_because_no_dump_is_made_without_them(world: World, tmp_path: Path, catalogue: str) -> None:
    """Takes the catalogue from everybody in one database: pg_dump, as the tenant, ends with an error.

    Where this fails, pg_dump has learnt to do without: then take it away, wherever tenants may connect.
    """
    _, tenant = world.tenants
    assert dump(world, tenant, tmp_path) == 0
    world.execute(f"REVOKE SELECT ON pg_catalog.{catalogue} FROM PUBLIC", tenant.value)
    try:
        assert dump(world, tenant, tmp_path) == 1
    finally:
        world.execute(f"GRANT SELECT ON pg_catalog.{catalogue} TO PUBLIC", tenant.value)
    assert dump(world, tenant, tmp_path) == 0
