"""Whatever breaks during a dump: nothing is published, nothing is left behind, and the error says what broke."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tenantry.aws.tenant_secrets import TenantSecrets
from tenantry.backups import oversize
from tenantry.backups.progress import BackupState
from tenantry.backups.progress_store import ProgressStore
from tenantry.domain.errors import BackupFailed, TenantryError
from tenantry.domain.tenant import TenantId, owner_role
from tests.integration.backups.conftest import end_sessions, manifest_of, wait_until
from tests.integration.backups.test_take import BINARIES, BUCKET, assert_left_nothing, back_up, keys
from tests.integration.conftest import TABLE, World, clear_caches
from tests.tcp_front import serve_tcp

type AtShare = Callable[[float, Callable[[], Any]], None]
OLD_CLIENT = Path("/usr/lib/postgresql/15/bin")


def refused(world: World, s3: Any, tenant: TenantId) -> TenantryError:
    """Take a backup that must fail, and leave nothing behind."""
    before = keys(s3, tenant)
    with pytest.raises(TenantryError) as failure:
        back_up(tenant)
    wait_until(lambda: not sessions(world, tenant))
    assert_left_nothing(world, s3, before, tenant)
    return failure.value


def sessions(world: World, tenant: TenantId) -> list[Any]:
    return world.execute(
        f"SELECT 1 FROM pg_stat_activity WHERE datname = '{tenant}' AND application_name LIKE 'tenantry-backup%'"
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_killed_backend(world: World, s3: Any, large: TenantId, at_share: AtShare, share: float) -> None:
    ended: list[Any] = []
    at_share(share, lambda: ended.extend(end_sessions(world, large, "tenantry-backup-%")))
    assert refused(world, s3, large).code == "dump_failed"
    assert ended == [(True,)]


def test_a_killed_session_of_the_snapshot(world: World, s3: Any, large: TenantId, at_share: AtShare) -> None:
    """pg_dump has imported the snapshot by then and succeeds, but not all rows are counted."""
    at_share(0.02, lambda: end_sessions(world, large, "tenantry-backup"))
    manifest = manifest_of(s3, back_up(large))
    assert manifest.uncounted in {"57P01", "08006"}
    assert "large" in {table.table for table in manifest.tables if table.rows is None}


@pytest.mark.parametrize("share", [0.1, 0.99])
def test_a_cut_wire(
    world: World, s3: Any, large: TenantId, at_share: AtShare, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    with serve_tcp(world.server.host, world.server.port) as front:
        read = TenantSecrets.read
        monkeypatch.setattr(TenantSecrets, "read", lambda *asked, **how: replace(read(*asked, **how), port=front.port))
        at_share(share, front.cut)
        assert refused(world, s3, large).code in {"dump_failed", "08006"}


def test_a_killed_pg_dump(world: World, s3: Any, large: TenantId, at_share: AtShare) -> None:
    def kill() -> None:
        found = subprocess.run(["pgrep", "-P", str(os.getpid()), "pg_dump"], capture_output=True, text=True, check=True)
        for pid in found.stdout.split():
            os.kill(int(pid), signal.SIGKILL)

    at_share(0.5, kill)
    error = refused(world, s3, large)
    assert (error.code, error.details) == ("dump_failed", "exit status -9")


@pytest.mark.parametrize(
    ("shut", "code"),
    [
        ("ALTER TABLE candidates ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", "42501"),
        ('REVOKE SELECT ON candidates FROM "{owner}"', "42501"),
    ],
)
def test_what_the_count_fails_of_is_told(world: World, s3: Any, shut: str, code: str) -> None:
    """Without a login for backups, pg_dump fails of the same as the count, and only the count knows the code."""
    tenant = world.add_tenant(3)
    world.secrets.delete_dump_password(tenant)
    world.execute(shut.format(owner=owner_role(tenant)), tenant.value, owner_role(tenant))
    assert refused(world, s3, tenant).code == code
    progress = ProgressStore(world.registry._dynamodb, TABLE).newest(tenant, 1)
    assert [(one.state, one.error) for one in progress] == [(BackupState.FAILED, code)]


def test_what_is_computed_when_it_is_read_is_not_counted(world: World, s3: Any) -> None:
    """It is in no dump, and may fail: of nought, of a function that raises, of a cast."""
    tenant = world.add_tenant(3)
    computed = ("nought int GENERATED ALWAYS AS (1 / (id - id))", "number int GENERATED ALWAYS AS (name::int)")
    columns = ", ".join(f"ADD {column} VIRTUAL" for column in computed)
    world.execute(f"ALTER TABLE candidates {columns}", tenant.value, owner_role(tenant))
    found = manifest_of(s3, back_up(tenant))
    assert [(table.rows, bool(table.digest)) for table in found.tables if table.table == "candidates"] == [(3, True)]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a script in the place of pg_dump."""

    def install(script: str) -> None:
        path = tmp_path / "pg_dump"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PG_CLIENT_DIRECTORY", str(tmp_path))
        clear_caches()

    return install


def test_a_pg_dump_that_fails_after_a_full_stream(
    world: World, s3: Any, large: TenantId, program: Callable[[str], None]
) -> None:
    program(f'"{BINARIES}/pg_dump" "$@" || exit\ncase "$1" in --version) ;; *) exit 1 ;; esac')
    error = refused(world, s3, large)
    assert (error.code, error.details) == ("dump_failed", "exit status 1")


def test_a_row_that_no_client_can_read_is_named(
    world: World, s3: Any, large: TenantId, program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of 1 GB makes pg_dump fail, which says so in words only."""
    program(f'"{BINARIES}/pg_dump" "$@" || exit\ncase "$1" in --version) ;; *) exit 1 ;; esac')
    monkeypatch.setattr(oversize, "MOST_BYTES", 970)
    error = refused(world, s3, large)
    assert (error.code, error.details) == ("row_too_long", "public.large")
    monkeypatch.setattr(oversize, "MOST_BYTES", 1000)
    assert refused(world, s3, large).code == "dump_failed"


def test_a_server_that_is_newer_than_pg_dump(
    world: World, s3: Any, large: TenantId, program: Callable[[str], None]
) -> None:
    if (OLD_CLIENT / "pg_dump").exists():
        program(f'exec "{OLD_CLIENT}/pg_dump" "$@"')
    else:
        program('echo "pg_dump (PostgreSQL) 15.14"')
    error = refused(world, s3, large)
    assert error.code == "pg_dump_too_old"
    assert isinstance(error, BackupFailed)
    assert "15." in str(error.details)


def test_after_all_that_a_backup_is_whole(world: World, s3: Any, large: TenantId) -> None:
    clear_caches()
    manifest = manifest_of(s3, back_up(large))
    head = s3.head_object(Bucket=BUCKET, Key=manifest.dump.key)
    assert head["ContentLength"] == manifest.dump.stored_bytes
    assert {t.table: t.rows for t in manifest.tables}["large"] == 150_000
