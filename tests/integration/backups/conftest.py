"""Shared by the tests of backups and their faults."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tenantry.database.pg_dump import Dump
from tenantry.domain.backup import Manifest
from tenantry.domain.tenant import TenantId
from tests.integration.backups.test_take import BUCKET, s3  # noqa: F401
from tests.integration.conftest import World

# Many times what lies in a pipe, and then tables that are asked for one by one: 9 MB, more than pipe and socket hold.
# So a cut at 99 % leaves something undone.
ROWS, ROW_BYTES, MORE_TABLES = 150_000, 1_000, 300


@pytest.fixture(scope="module")
def large(world: World) -> TenantId:
    """A tenant whose dump takes a while: 150 MB, followed by some hundred tables."""
    tenant = world.tenants[0]
    world.execute(
        f"""CREATE TABLE large AS
            SELECT i, repeat(md5(i::text), {ROW_BYTES // 32}) AS text FROM generate_series(1, {ROWS}) i;
            DO $$ BEGIN
                FOR i IN 1..{MORE_TABLES} LOOP
                    EXECUTE format(
                        'CREATE TABLE more_%s AS
                         SELECT repeat(md5(n::text), 30) AS text FROM generate_series(1, 32) n',
                        i
                    );
                END LOOP;
            END $$""",
        tenant.value,
        f"{tenant}_owner",
    )
    return tenant


@pytest.fixture
def at_share(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, Callable[[], Any]], None]:
    """Do something once the worker has read that share of pg_dump's output."""
    read = Dump.read

    def arrange(share: float, act: Callable[[], Any]) -> None:
        state = {"left": share * ROWS * (ROW_BYTES + 5)}

        def read_and_act(dump: Dump, size: int) -> bytes:
            chunk = read(dump, size)
            before, state["left"] = state["left"], state["left"] - len(chunk)
            if before > 0 >= state["left"]:
                act()
            return chunk

        monkeypatch.setattr(Dump, "read", read_and_act)

    return arrange


def end_sessions(world: World, tenant: TenantId, like: str) -> list[Any]:
    """Kill the backends of a tenant's sessions with such an application name."""
    return world.execute(
        f"""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = '{tenant}' AND application_name LIKE '{like}'"""
    )


def manifest_of(s3: Any, answer: dict[str, Any]) -> Manifest:  # noqa: F811
    body = s3.get_object(Bucket=BUCKET, Key=answer["manifest"])["Body"].read()
    return Manifest.model_validate_json(body)


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)  # the interval of polling, up to the deadline above
