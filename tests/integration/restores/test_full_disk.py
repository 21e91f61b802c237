"""The disk is full while a backup is restored: the live data are served on, and nothing is left behind."""

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.ports import free_ports
from local.postgres_server import PostgresServer
from tenantry.domain.errors import TenantryError
from tests.integration.conftest import World, clear_caches
from tests.integration.restores.conftest import ROWS, Vault

_SMALL_MB = 110
_LIMIT_BYTES = 16 << 20


@pytest.fixture(scope="module")
def small_server() -> Iterator[PostgresServer]:
    """A server whose databases have 110 MB; where mounting is forbidden, none of its files may exceed 16 MB."""
    with tempfile.TemporaryDirectory(prefix="tenantry-small-") as directory:
        server = PostgresServer(
            Path(directory), name="with a small disk", port=free_ports(1)[0], durable=False, quick_passwords=True
        )
        disk = Path(directory) / "disk"
        try:
            server.start()
            server.stop()
            mounted = _move_databases(Path(directory) / "data" / "base", disk)
            if not mounted:
                hard = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT_BYTES, hard[1]))
            try:
                server.start()
            finally:
                if not mounted:
                    resource.setrlimit(resource.RLIMIT_FSIZE, hard)
            yield server
        finally:
            server.stop()
            if disk.is_mount():
                subprocess.run(["umount", disk], check=True)


def _move_databases(base: Path, disk: Path) -> bool:
    """Put the databases on a disk of their own; returns whether that is possible here."""
    if os.geteuid() != 0:
        return False
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_MB}m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        return False
    subprocess.run(["cp", "-a", str(base), str(disk / "base")], check=True)
    subprocess.run(["rm", "-r", str(base)], check=True)
    base.symlink_to(disk / "base")
    owner = (disk / "base").stat()
    os.chown(disk, owner.st_uid, owner.st_gid)
    return True


@pytest.fixture
def cramped(world: World, second_postgres: PostgresServer, s3: Any, small_server: PostgresServer) -> Iterator[Vault]:
    clear_caches()
    made = Vault(world, small_server, s3, here=second_postgres)
    try:
        yield made
    finally:
        made.drop()


def test_a_restore_into_a_full_disk_changes_nothing(cramped: Vault) -> None:
    tenant = cramped.add()
    cramped.run_as(
        tenant, "CREATE TABLE many AS SELECT i, repeat(md5(i::text), 40) AS text FROM generate_series(1, 100000) i"
    )
    before, known = cramped.run_as(tenant, ROWS), cramped.tenant(tenant)
    backup = cramped.back_up(tenant)
    cramped.run_as(tenant, "DROP TABLE many")
    with pytest.raises(TenantryError) as failure:
        cramped.perform(cramped.start(backup, server_id="there"))
    assert failure.value.code in {"restore_failed", "53100"}
    assert cramped.run_as(tenant, ROWS) == before
    assert cramped.tenant(tenant) == known
    assert cramped.leftovers(tenant) == []
    assert cramped.traces(tenant)["there"] == []
    said = cramped.postgres["there"].log.read_text()
    assert "No space left on device" in said or "File too large" in said
    # With room for it, the same call finishes.
    cramped.perform_well(cramped.start(backup))
    assert cramped.run_as(tenant, "SELECT count(*) FROM many") == [(100000,)]
