"""What the tests of several folders share: a real PostgreSQL server, and how they are shared out."""

import gc
import io
import logging
import os
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from local.postgres_server import PostgresServer
from tenantry.observability import logger
from tests.postgres import temporary_postgres
from tests.quick_moto import make_moto_quick

make_moto_quick()

# What builds the project, or runs a whole stack: one worker does it, one after the other.
_BUILDS = (
    "e2e/",
    "template/test_layers.py",
    "integration/tenants/limits/test_residency.py",
    "integration/local/test_local_stack.py",
    "integration/database/test_pg_client_layer.py",
)


class _KeepTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Runs all tests of a file on one worker, and all files that build something on the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0].removeprefix("tests/")
        return "builds" if path.startswith(_BUILDS) else path


# What the tests wait for, a server or the local AWS, runs beside them. More would take turns without end.
_MOST_WORKERS = 4


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Have one worker more than processors: the one that builds or drives a stack mostly waits."""
    named = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    return int(named) if named else min((os.process_cpu_count() or 1) + 1, _MOST_WORKERS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _KeepTogether:
    """Distribute the tests as above: `make test` has several workers."""
    # In the order of the folders, not that of the number of tests: what drives a stack begins and the unit tests, whose
    # files are short, end. So no worker is alone with a long file while the others have nothing left.
    config.option.loadscopereorder = False
    return _KeepTogether(config, log)


# A search for garbage looks at all that moto and botocore hold, and finds little. The usual 2,000 is a test or less.
_MADE_BETWEEN_SEARCHES = 50_000


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave the tests and all that they import out of each search for garbage: they are here until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(_MADE_BETWEEN_SEARCHES)


class _CurrentOutput(io.TextIOBase):
    """The present standard output: the logger keeps its stream, but pytest replaces it for each test."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


@pytest.fixture(autouse=True, scope="session")
def _log_to_the_running_test() -> None:
    handler = logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(_CurrentOutput())


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole run; a test makes and drops its own databases and roles on it."""
    with temporary_postgres("for tests") as server:
        yield server
