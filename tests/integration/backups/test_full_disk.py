"""A server with a full disk can't even export a snapshot: the backup says so, and leaves nothing behind."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenantry.domain.errors import DatabaseUnavailable
from tests.integration.backups.test_take import assert_left_nothing, back_up, keys
from tests.integration.conftest import World


@pytest.fixture
def full_disk(world: World) -> Iterator[None]:
    """Put a file system of one page, which is already full, where the server writes snapshots."""
    where = world.server._data / "pg_snapshots"
    owner = where.stat()
    options = f"size=4k,uid={owner.st_uid},gid={owner.st_gid},mode=700"
    mount = shutil.which("mount")
    if not mount or subprocess.run([mount, "-t", "tmpfs", "-o", options, "full", where], check=False).returncode:
        pytest.skip("file systems can't be mounted here")
    try:
        Path(where, "filler").write_bytes(b"x" * 4096)
        yield
    finally:
        subprocess.run(["umount", where], check=True)


def test_a_full_disk_is_told(world: World, s3: Any, full_disk: None) -> None:
    tenant = world.tenants[0]
    before = keys(s3, tenant)
    with pytest.raises(DatabaseUnavailable) as failure:
        back_up(tenant)
    # disk_full
    assert failure.value.code == "53100"
    assert_left_nothing(world, s3, before, tenant)


def test_and_when_there_is_space_again_there_is_a_backup(world: World, s3: Any) -> None:
    assert not back_up(world.tenants[0])["already_published"]
