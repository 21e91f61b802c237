"""The whole local stack, with the real template deployed."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.progress import keep_silent
from local.stack import LocalStack
from local.stack_file import StackFile
from tests.e2e.api import Api
from tests.postgres import quick_place


@pytest.fixture(scope="session")
def stack() -> Iterator[StackFile]:
    """A stack of its own on free ports, or the running one that TENANTRY_STACK_FILE names."""
    running = os.environ.get("TENANTRY_STACK_FILE")
    if running:
        yield StackFile.read(Path(running))
        return
    with tempfile.TemporaryDirectory(prefix="tenantry-stack-", dir=quick_place()) as directory:
        Path(directory).chmod(0o711)  # as root, PostgreSQL may run as a user who has to pass through it
        local_stack = LocalStack(Path(directory), ports="free", durable=False, tell=keep_silent)
        try:
            yield local_stack.up()
        finally:
            local_stack.down()


@pytest.fixture(scope="session")
def api(stack: StackFile) -> Iterator[Api]:
    """A client of that stack."""
    with httpx.Client(timeout=60) as client:
        yield Api(stack, client)
