"""Times restores, as a stream and with several sessions at once, against pg_restore of a local file."""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.applications import make_database
from benchmarks.backup_stream import run_pg_dump
from benchmarks.packages import build_project
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import BUCKET, STAGE, TABLE, LambdaContext, Stage
from benchmarks.timing import take_turns
from handlers.back_up_tenant import handler as back_up
from local.aws_server import REGION
from local.ports import LOOPBACK
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.database.client_environment import CopyTools
from tenantry.domain.backup import BackupId
from tenantry.domain.credentials import Credentials
from tenantry.domain.restore import staging_name
from tenantry.domain.server import Server
from tenantry.domain.tenant import TenantId, owner_role
from tenantry.restores import fill as restoration_fill
from tenantry.restores.archive.source import ArchiveSource
from tenantry.restores.scratch import ScratchOrder, ScratchRestorer
from tenantry.servers.servers import Servers

_TENANT = TenantId("restored")
_PORTIONS = 5
_ROUNDS = 5
_NEVER = 1 << 60
_TABLES = Path(__file__).with_suffix(".sql")


def run(stage: Stage) -> list[Result]:
    """Time: a backup's way from the local S3 into a database that is made for it, as the tenant's own roles, over
    createdb and pg_restore -1 of a local file of the same database (pg_dump -Fc, as it comes) by a superuser; medians
    of 5 in turns. As a stream, and with the rows dealt out to sessions that work at once. The database: a million
    applications in four tables with their keys, indexes and references. The comparison with the manifest, which
    nobody else makes, is told beside.
    """
    programs = build_project(stage.directory)
    os.environ["PG_CLIENT_DIRECTORY"] = str(programs)
    credentials = make_database(stage, _TENANT, _PORTIONS)
    with closing(stage.connect(credentials.dbname)) as connection, connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{owner_role(_TENANT)}"')
        cursor.execute(_TABLES.read_text())
    file = stage.directory / "restored.dump"
    run_pg_dump(credentials, programs, "-Fc", output=file)
    restorer, order = _prepare(stage, programs)
    large = restoration_fill.LARGE_BYTES

    def ours(threshold: int) -> Callable[[], list[float]]:
        def restore() -> list[float]:
            restoration_fill.LARGE_BYTES = threshold
            try:
                return [_timed(lambda: restorer.restore(order))]
            finally:
                restoration_fill.LARGE_BYTES = large
                restorer.drop(order)

        return restore

    def theirs() -> list[float]:
        return [_pg_restore(stage, programs, file)]

    streamed, reference = take_turns(ours(_NEVER), theirs, _ROUNDS)
    parallel, again = take_turns(ours(0), theirs, _ROUNDS)
    restorer.restore(order)
    compared = _timed(lambda: restorer.examine(order).require_same())
    restorer.drop(order)
    return [
        Result("restore", "s", median(streamed), median(reference), at_most=1.1),
        Result("restore.parallel", "s", median(parallel), median(again), at_most=0.8),
        Result("restore.compare", "s", compared, median(reference)),
    ]


def _prepare(stage: Stage, programs: Path) -> tuple[ScratchRestorer, ScratchOrder]:
    registry = Registry(stage.aws.client("dynamodb"), TABLE)
    registry.put_server(Server("bench", REGION, LOOPBACK, stage.postgres.port, sslmode="disable"))
    administrators = ServerSecrets(stage.aws.client("secretsmanager"), STAGE)
    postgres = stage.postgres
    login = Credentials(LOOPBACK, postgres.port, "postgres", postgres.admin_user, postgres.admin_password, "disable")
    administrators.write("bench", login)
    s3 = stage.aws.client("s3")
    answer = back_up({"tenant_id": _TENANT.value, "trigger": "bench"}, LambdaContext())
    backup = BackupCatalogue(s3, BUCKET).find(BackupId(answer["backup_id"]), _TENANT)
    if backup is None or backup.manifest is None:
        raise BenchmarkFailed("the backup can't be found")
    restorer = ScratchRestorer(
        Servers(registry, administrators),
        ArchiveSource({BUCKET: s3}),
        CopyTools(str(programs)),
        lambda: time.monotonic() + 600,
    )
    name = staging_name(_TENANT, backup.backup_id.value)
    return restorer, ScratchOrder(backup.manifest, BUCKET, _TENANT, "bench", name)


def _pg_restore(stage: Stage, programs: Path, file: Path) -> float:
    postgres, name = stage.postgres, "by_hand"
    with closing(stage.connect("postgres")) as connection, connection.cursor() as cursor:
        command = [
            str(programs / "pg_restore"),
            "-1",
            "--no-owner",
            f"--role={owner_role(_TENANT)}",
            "-d",
            name,
            str(file),
        ]
        login = {
            "PGHOST": LOOPBACK,
            "PGPORT": str(postgres.port),
            "PGUSER": postgres.admin_user,
            "PGPASSWORD": postgres.admin_password,
        }
        began = perf_counter()
        try:
            cursor.execute(f'CREATE DATABASE {name} OWNER "{owner_role(_TENANT)}" TEMPLATE template0')
            subprocess.run(command, env=login, check=True, timeout=600)
            return perf_counter() - began
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _timed(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return perf_counter() - started
