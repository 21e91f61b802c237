"""back_up_tenant on a database of more than 1 GB: its time, its memory and its stored bytes."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.applications import database_bytes, make_database, make_pgbench_database
from benchmarks.packages import build_project
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import BUCKET, PROJECT, Stage, python_module
from benchmarks.timing import take_turns
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import TenantId, owner_role

_LARGE, _SMALL, _STANDARD = TenantId("backup-large"), TenantId("backup-small"), TenantId("backup-pgbench")
_PORTIONS = 11
_GIGABYTE = 10**9
_ROUNDS, _SMALL_BACKUPS = 5, 3
_WITHIN = 300
_MB = 10**6


@dataclass(frozen=True, slots=True)
class Backup:
    """The time, memory and stored bytes of one backup."""

    seconds: float
    peak_bytes: int
    stored_bytes: int


def run(stage: Stage) -> list[Result]:
    """Time: back_up_tenant's handler on a database of more than 1 GB, upload to the local S3 on the same processors
    included, over the same pg_dump -Fc -Z0 to /dev/null; medians of 5 in turns. Memory: highest peak of the handler's
    process over 200 MB, and median peak over that on a tenth of the data. Stored: bytes over those of pg_dump -Fc, on
    those rows (random names, notes and tokens: hard to compress) and on pgbench's.
    """
    programs = build_project(stage.directory)
    small, large = make_database(stage, _SMALL, 1), make_database(stage, _LARGE, _PORTIONS)
    _tell_sizes(stage, small, large)
    backups: list[Backup] = []

    def back_up_large() -> list[float]:
        backups.append(back_up(stage, _LARGE, programs))
        return [backups[-1].seconds]

    seconds, reference = take_turns(back_up_large, lambda: [_dump_seconds(large, programs)], _ROUNDS)
    peak = max(backup.peak_bytes for backup in backups)
    usual_peak = median(backup.peak_bytes for backup in backups)
    small_peak = median(back_up(stage, _SMALL, programs).peak_bytes for _ in range(_SMALL_BACKUPS))
    gzip_bytes = _dump_bytes(large, programs)
    standard = make_pgbench_database(stage, _STANDARD)
    standard_stored = back_up(stage, _STANDARD, programs).stored_bytes
    return [
        Result("backup_stream", "s", median(seconds), median(reference), at_most=1.2),
        Result("backup_stream.peak_memory", "MB", peak / _MB, 200.0, at_most=1.0),
        Result("backup_stream.memory_growth", "MB", usual_peak / _MB, small_peak / _MB, at_most=1.1),
        Result("backup_stream.stored", "MB", backups[-1].stored_bytes / _MB, gzip_bytes / _MB, at_most=0.85),
        Result(
            "backup_stream.stored_pgbench",
            "MB",
            standard_stored / _MB,
            _dump_bytes(standard, programs) / _MB,
            at_most=0.85,
        ),
    ]


def _tell_sizes(stage: Stage, small: Credentials, large: Credentials) -> None:
    sizes = [database_bytes(stage, credentials.dbname) for credentials in (small, large)]
    print(f"    databases of {sizes[0] / _MB:.0f} and {sizes[1] / _MB:.0f} MB", flush=True)
    if sizes[1] < _GIGABYTE:
        raise BenchmarkFailed("the large database has less than 1 GB")


def back_up(stage: Stage, tenant_id: TenantId, programs: Path) -> Backup:
    """Take a backup in its own process, and delete it again."""
    done = subprocess.run(
        python_module("benchmarks.backup_worker", tenant_id.value),
        env={**stage.environment, "PG_CLIENT_DIRECTORY": str(programs)},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        timeout=_WITHIN,
        check=True,
    )
    took = json.loads(done.stdout.splitlines()[-1])
    with _stored(stage, took["manifest"]) as manifest:
        return Backup(took["seconds"], took["peak_bytes"], manifest["dump"]["stored_bytes"])


@contextmanager
def _stored(stage: Stage, key: str) -> Iterator[Any]:
    s3 = stage.aws.client("s3")
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    try:
        yield manifest
    finally:
        for stored in (manifest["dump"]["key"], key):
            s3.delete_object(Bucket=BUCKET, Key=stored)


def _dump_seconds(credentials: Credentials, programs: Path) -> float:
    started = perf_counter()
    run_pg_dump(credentials, programs, "-Fc", "-Z0", output=Path(os.devnull))
    return perf_counter() - started


def _dump_bytes(credentials: Credentials, programs: Path) -> int:
    """Return the bytes of pg_dump's own archive, with its default compression."""
    size = 0
    with _dumping(credentials, programs, "-Fc", output=subprocess.PIPE) as process:
        while chunk := process.stdout.read(1 << 20):
            size += len(chunk)
    return size


def run_pg_dump(credentials: Credentials, programs: Path, *options: str, output: Path) -> None:
    """Write one of pg_dump's archives. :raises BenchmarkFailed: it fails."""
    with output.open("wb") as file, _dumping(credentials, programs, *options, output=file):
        pass


@contextmanager
def _dumping(credentials: Credentials, programs: Path, *options: str, output: Any) -> Iterator[Any]:
    """Run pg_dump as the tenant, as the handler does. :raises BenchmarkFailed: it fails."""
    login = {
        "PGHOST": credentials.host,
        "PGPORT": str(credentials.port),
        "PGDATABASE": credentials.dbname,
        "PGUSER": credentials.username,
        "PGPASSWORD": credentials.password,
        "PGSSLMODE": credentials.sslmode,
    }
    role = owner_role(TenantId(credentials.dbname))
    command = [str(programs / "pg_dump"), *options, f"--role={role}", "--no-password"]
    process = subprocess.Popen(command, env={"PATH": os.defpath, **login}, stdout=output)
    try:
        yield process
        if process.wait(timeout=_WITHIN):
            raise BenchmarkFailed(f"pg_dump ended with status {process.returncode}")
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
