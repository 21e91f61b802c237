"""The rows of a large database are dealt out to several sessions, and the result is the same."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tenantry.database import pg_restore
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.restores import fill as restoration_fill
from tests.integration.restores.conftest import ROWS, Vault
from tests.integration.restores.forgery import dump_as_superuser, publish, put, stored

MODELS = [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED]
MANY = "CREATE TABLE many AS SELECT i, repeat(md5(i::text), 8) AS text FROM generate_series(1, 20000) i"
# Rights that would be in the way of the rows, and must come back all the same.
RIGHTS = """CREATE TABLE closed AS SELECT 1 AS i; REVOKE ALL ON closed FROM {owner}; GRANT SELECT ON closed TO {owner};
            CREATE MATERIALIZED VIEW sums AS SELECT sum(i) FROM closed"""
# An index that takes ten minutes in any database but the tenant's own.
SLOW = """CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
          $$ BEGIN IF current_database() <> '{}' THEN PERFORM pg_sleep(600); END IF; RETURN $1; END $$;
          CREATE TABLE slow AS SELECT 1 AS i; CREATE INDEX ON slow (slow(i))"""
OBJECTS = "SELECT lo_from_bytea(0, convert_to(repeat(E'a line\\n', n), 'UTF8')) FROM generate_series(0, 9) n"
GRANTED = """SELECT relname, ARRAY(SELECT unnest(coalesce(relacl, acldefault('r', relowner)))::text ORDER BY 1)
             FROM pg_class
             WHERE relnamespace = current_schema::regnamespace AND relkind IN ('r', 'v', 'm') ORDER BY 1"""


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(restoration_fill, "LARGE_BYTES", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the calls of pg_restore."""
    called: list[list[str]] = []
    real = pg_restore.Restore._command

    def command(restore: pg_restore.Restore) -> list[str]:
        called.append(real(restore))
        return called[-1]

    monkeypatch.setattr(pg_restore.Restore, "_command", command)
    return called


def sessions(commands: list[list[str]]) -> int:
    """Count the sessions that restored rows and nothing else."""
    return sum("--section=data" in command and "--section=pre-data" not in command for command in commands)


def files() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("tenantry-restore-*"))


def add(vault: Vault, isolation: Isolation = Isolation.DATABASE) -> TenantId:
    """Make a tenant with everything that its isolation model allows."""
    if isolation is Isolation.POOLED:
        return vault.add(isolation)
    tenant = vault.add_with_tables(isolation)
    vault.run_as(tenant, MANY)
    vault.run_as(tenant, RIGHTS.format(owner=f'"{owner_role(tenant)}"'))
    return tenant


@pytest.mark.parametrize("isolation", MODELS)
def test_it_comes_back_and_leaves_no_file(vault: Vault, isolation: Isolation, commands: list[list[str]]) -> None:
    tenant = add(vault, isolation)
    before = vault.run_as(tenant, ROWS), vault.run_as(tenant, GRANTED)
    vault.perform_well(vault.start(vault.back_up(tenant)))
    assert (vault.run_as(tenant, ROWS), vault.run_as(tenant, GRANTED)) == before
    assert sessions(commands) == restoration_fill.SESSIONS
    assert files() == []


def test_large_objects_come_back(vault: Vault, commands: list[list[str]]) -> None:
    tenant = add(vault)
    vault.run_as(tenant, OBJECTS)
    assert vault.scratches().drill(vault.order(vault.back_up(tenant))).findings.matches
    assert sessions(commands) == restoration_fill.SESSIONS


def test_one_large_table_is_dealt_out(vault: Vault, commands: list[list[str]]) -> None:
    tenant = vault.add()
    vault.run_as(tenant, MANY)
    assert vault.scratches().drill(vault.order(vault.back_up(tenant))).findings.matches
    assert sessions(commands) == restoration_fill.SESSIONS


def test_a_table_at_the_beginning_is_in_no_need_of_the_rest(vault: Vault, commands: list[list[str]]) -> None:
    tenant = vault.add_with_tables()
    vault.run_as(tenant, MANY.replace("many", "z_many"))
    order = vault.order(vault.back_up(tenant))
    drilled = vault.scratches().drill(replace(order, tables=("candidates",)))
    found = {table.table: table.rows for table in drilled.findings.tables}
    assert (found, sessions(commands)) == ({"candidates": 200}, restoration_fill.SESSIONS)


def test_a_long_table_of_contents_is_streamed(
    vault: Vault, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoration_fill, "_HEADS", (100,))
    tenant = add(vault)
    before = vault.run_as(tenant, ROWS)
    vault.perform_well(vault.start(vault.back_up(tenant)))
    assert (vault.run_as(tenant, ROWS), sessions(commands)) == (before, 0)


@pytest.mark.parametrize("where", [0.0, 0.01, 0.5, 0.99])
def test_a_damaged_archive_takes_nobodys_place(vault: Vault, where: float) -> None:
    tenant = add(vault)
    backup = vault.back_up(tenant)
    assert backup.manifest
    damaged = bytearray(stored(vault, backup))
    damaged[int(where * (len(damaged) - 1))] ^= 4
    before = vault.run_as(tenant, ROWS)
    with pytest.raises(TenantryError) as failure:
        vault.perform(vault.start(put(vault, tenant, backup.manifest, bytes(damaged), {})))
    assert failure.value.code == "backup_damaged"
    assert vault.run_as(tenant, ROWS) == before
    assert (vault.leftovers(tenant), files()) == ([], [])


def test_rows_that_one_session_cannot_bring_end_all(vault: Vault) -> None:
    tenant = add(vault)
    backup = vault.back_up(tenant)
    archive = dump_as_superuser(vault, tenant.value).replace(b"9876\t", b"9x76\t")
    before = vault.run_as(tenant, ROWS)
    with pytest.raises(TenantryError) as failure:
        vault.perform(vault.start(publish(vault, backup, archive)))
    assert failure.value.code == "restore_failed"
    assert vault.run_as(tenant, ROWS) == before
    assert (vault.leftovers(tenant), files()) == ([], [])


def test_the_deadline_ends_what_builds_keys_at_once(vault: Vault) -> None:
    tenant = add(vault)
    vault.run_as(tenant, SLOW.format(tenant))
    before = vault.run_as(tenant, ROWS)
    operation, began = vault.start(vault.back_up(tenant)), time.monotonic()
    with pytest.raises(TenantryError) as failure:
        vault.perform(operation, seconds=5)
    assert failure.value.code == "restore_deadline"
    assert time.monotonic() - began < 60
    assert vault.run_as(tenant, ROWS) == before
    assert (vault.leftovers(tenant), files()) == ([], [])
