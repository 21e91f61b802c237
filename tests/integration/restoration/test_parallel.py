"""A large database of several tables is restored from a file by several sessions at once."""

import shutil
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest

from tenantry.adapters import pg_restore
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import TenantId
from tenantry.services import restoration_file
from tests.integration.restoration.conftest import ROWS, Vault
from tests.integration.restoration.forgery import put, stored


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoration_file, "LARGE_BYTES", 0)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """How pg_restore was called."""
    called: list[list[str]] = []
    real = pg_restore.Restore._command

    def command(restore: pg_restore.Restore) -> list[str]:
        called.append(real(restore))
        return called[-1]

    monkeypatch.setattr(pg_restore.Restore, "_command", command)
    return called


def files() -> list[Path]:
    return list(Path(gettempdir()).glob("tenantry-restore-*"))


def add(vault: Vault) -> TenantId:
    tenant = vault.add_with_tables()
    vault.run_as(
        tenant, "CREATE TABLE more AS SELECT * FROM candidates; CREATE TABLE other AS SELECT * FROM candidates"
    )
    return tenant


def test_it_comes_back_and_leaves_no_file(vault: Vault, commands: list[list[str]]) -> None:
    tenant = add(vault)
    before = vault.run_as(tenant, ROWS)
    vault.perform_well(vault.start(vault.back_up(tenant)))
    assert vault.run_as(tenant, ROWS) == before
    assert any(word.startswith("--jobs=") for word in commands[0])
    assert files() == []


def test_one_large_table_is_streamed(vault: Vault, commands: list[list[str]]) -> None:
    vault.perform_well(vault.start(vault.back_up(vault.add())))
    assert not any(word.startswith("--jobs=") for word in commands[0])


def test_without_room_for_the_file_it_is_streamed(
    vault: Vault, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = add(vault)
    usage = shutil.disk_usage(gettempdir())

    def full(_: Any) -> Any:
        return usage._replace(free=1000)

    monkeypatch.setattr("tenantry.services.restoration_file.shutil.disk_usage", full)
    vault.perform_well(vault.start(vault.back_up(tenant)))
    assert not any(word.startswith("--jobs=") for word in commands[0])


def test_nothing_of_a_damaged_archive_is_restored(vault: Vault, commands: list[list[str]]) -> None:
    tenant = add(vault)
    backup = vault.back_up(tenant)
    assert backup.manifest
    damaged = bytearray(stored(vault, backup))
    damaged[len(damaged) // 2] ^= 4
    before = vault.run_as(tenant, ROWS)
    with pytest.raises(TenantryError) as failure:
        vault.perform(vault.start(put(vault, tenant, backup.manifest, bytes(damaged), {})))
    assert failure.value.code == "backup_damaged"
    assert commands == []
    assert vault.run_as(tenant, ROWS) == before
    assert (vault.leftovers(tenant), files()) == ([], [])
