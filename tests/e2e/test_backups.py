"""A scheduled run leaves a backup per tenant in S3, from which every row can be restored."""

import json
import subprocess
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard
from psycopg2 import sql

from local.deployment import ARCHITECTURE
from local.stack import PROJECT
from local.stack_file import StackServer
from tenantry.domain.backup import Manifest
from tests.e2e.api import Api, open_database

# ministack looks at its schedules every ten seconds.
PATIENCE_SECONDS = 60
LAYER = "PgClientLayerArm" if ARCHITECTURE == "arm64" else "PgClientLayerX86"
BUILT_LAYER = PROJECT / ".aws-sam" / "build" / LAYER / "bin"


def manifests(api: Api, tenant: str) -> list[Manifest]:
    s3, bucket = api.aws("s3"), api.stack.backup_bucket
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"tenants/{tenant}/backups/").get("Contents", [])
    keys = [item["Key"] for item in found if item["Key"].endswith("/manifest.json")]
    return [Manifest.model_validate_json(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]


def fire_schedule(api: Api) -> None:
    """Make the template's own schedule due now for every tenant, with all else of it unchanged."""
    scheduler = api.aws("scheduler")
    name = api.aws("cloudformation").describe_stack_resource(
        StackName=api.stack.stack_name, LogicalResourceId="BackupScheduleRule"
    )["StackResourceDetail"]["PhysicalResourceId"]
    schedule = scheduler.get_schedule(Name=name)
    target = {key: schedule["Target"][key] for key in ("Arn", "RoleArn")}
    moment = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    scheduler.create_schedule(
        Name=f"now-{uuid.uuid4().hex[:8]}",
        ScheduleExpression=f"at({moment})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=target | {"Input": json.dumps(json.loads(schedule["Target"]["Input"]) | {"all": True})},
    )


def test_a_scheduled_run_leaves_a_backup_per_tenant_that_brings_every_row_back(api: Api, tmp_path: Path) -> None:
    tenants = [tenant.tenant_id for tenant in api.stack.tenants]
    before = {tenant: len(manifests(api, tenant)) for tenant in tenants}
    fire_schedule(api)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(len(manifests(api, tenant)) > before[tenant] for tenant in tenants):
        assert time.monotonic() < deadline, "no backup came"
        time.sleep(0.2)  # the interval of polling, up to the deadline above
    for tenant in tenants:
        newest = max(manifests(api, tenant), key=lambda manifest: manifest.backup_id)
        assert newest.trigger == "schedule"
        counted = {table.table: table.rows for table in newest.tables}
        assert (counted["alembic_version"], counted["candidates"]) == (1, len(api.names(tenant)))
        assert restored_rows(api, tenant, newest, tmp_path) == rows(api, tenant, "candidates")


def rows(api: Api, tenant: str, table: str) -> list[tuple[Any, ...]]:
    with api.database(tenant) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {} ORDER BY id").format(sql.Identifier(table)))
        return cursor.fetchall()


def restored_rows(api: Api, tenant: str, manifest: Manifest, folder: Path) -> list[tuple[Any, ...]]:
    """Do what an operator does by hand: fetch, `zstd -d`, `pg_restore` into an empty database."""
    body = api.aws("s3").get_object(Bucket=api.stack.backup_bucket, Key=manifest.dump.key)["Body"].read()
    archive = folder / f"{tenant}.dump"
    archive.write_bytes(zstandard.ZstdDecompressor().decompressobj().decompress(body))
    database, server = f"restored_{uuid.uuid4().hex[:8]}", api.server_of(tenant)
    with api.database(tenant) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))
        try:
            run_pg_restore(archive, database, server)
            with open_database(server, database) as copy, copy.cursor() as reader:
                reader.execute("SELECT * FROM candidates ORDER BY id")
                return reader.fetchall()
        finally:
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))


def run_pg_restore(archive: Path, database: str, server: StackServer) -> None:
    subprocess.run(
        [BUILT_LAYER / "pg_restore", "--exit-on-error", "--no-owner", "--no-acl", "-d", database, archive],
        env={
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.admin_user,
            "PGPASSWORD": server.admin_password,
            "PGSSLMODE": "disable",
        },
        check=True,
        timeout=60,
    )
