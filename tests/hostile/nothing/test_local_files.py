"""Who has another account on a developer's machine finds no password, key or row of the local stack in its files."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest

from local.aws_server import AwsServer
from local.ports import LOOPBACK, free_ports
from local.postgres_server import PostgresServer
from local.private import ENTERED, private_directory
from local.processes import ChildProcess
from local.supervision import Supervision

OTHERS = 0o077


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that anybody may look into, as a checkout is, and a mask with which files are anybody's to read."""
    before = os.umask(0o022)
    try:
        with tempfile.TemporaryDirectory(prefix="tenantry-open-") as name:
            Path(name).chmod(0o755)
            yield Path(name)
    finally:
        os.umask(before)


def readable(directory: Path) -> list[str]:
    """The files that others could open: those of which every directory above lets them through."""
    found = []
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if S_IMODE((Path(folder) / name).stat().st_mode) & OTHERS]
        found += [name for name in files if S_IMODE((Path(folder) / name).lstat().st_mode) & OTHERS]
    return sorted(found)


def test_a_servers_log_password_and_rows_are_its_owners(directory: Path) -> None:
    """Reads what PostgreSQL logs, statements and all: nobody else may."""
    log = directory / "server" / "postgres.log"
    log.parent.mkdir()
    log.touch(mode=0o644)  # from before
    server = PostgresServer(log.parent, name="x", port=free_ports(1)[0], durable=False)
    server.start()
    try:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert readable(directory) == []
        assert S_IMODE(log.stat().st_mode) == 0o600
    finally:
        server.stop()


def test_the_key_that_signs_tokens_is_its_owners(directory: Path) -> None:
    """Reads the key of the local Cognito, with which any token can be made: nobody else may."""
    stack = directory / "local"
    server = AwsServer(stack, port=free_ports(1)[0], addresses=[LOOPBACK], mark=stack)
    server.start()
    try:
        server.client("cognito-idp").create_user_pool(PoolName="x")
        assert list(stack.rglob("*.pem"))
        assert readable(directory) == []
        # Who has to go through, does, and sees no names.
        assert S_IMODE(stack.stat().st_mode) == ENTERED
    finally:
        server.stop()


def test_what_a_part_says_and_makes_is_its_owners(directory: Path) -> None:
    """Reads a part's log and files: nobody else may."""
    made = ChildProcess(
        "x", [sys.executable, "-c", "open('made', 'w'); print('said')"], log=directory / "x.log", environment={}
    )
    assert made.wait(within=20) == 0
    supervision = Supervision(directory)
    assert supervision.acquire()
    try:
        assert readable(directory) == []
    finally:
        supervision.release()
    assert (directory / "x.log").read_text() == "said\n"


def test_a_directory_that_is_closed_is_not_opened(tmp_path: Path) -> None:
    """A directory that gives others nothing gives them no more for being the stack's."""
    tmp_path.chmod(0o700)
    private_directory(tmp_path, ENTERED)
    assert S_IMODE(tmp_path.stat().st_mode) == 0o700
