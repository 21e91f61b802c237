"""With an S3 that fails, stalls or answers too early, there is no false success, no upload left, and a clear error."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from handlers import back_up_tenant
from local.aws_server import ACCESS_KEY, REGION, SECRET_KEY, AwsServer
from local.ports import LOOPBACK, free_ports
from tenantry.aws.object_store import ObjectStore
from tenantry.domain.backup import BackupId, new_backup_id
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import TenantId
from tests.http_front import Exchange, S3Front, serve_s3_front
from tests.integration.backups.conftest import manifest_of, wait_until
from tests.integration.backups.test_take import BUCKET, Context, assert_left_nothing, keys
from tests.integration.conftest import World, clear_caches

# Times are short, so that a stalled answer is given up soon.
CONFIG = Config(connect_timeout=2, read_timeout=1, retries={"mode": "standard", "max_attempts": 3})


def client(url: str) -> Any:
    make: Any = boto3.client
    return make(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=CONFIG,
    )


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Front]:
    directory: Path = tmp_path_factory.mktemp("aws")
    aws = AwsServer(directory, port=free_ports(1)[0], addresses=(LOOPBACK,), mark=directory)
    aws.start()
    try:
        with serve_s3_front(aws.endpoint_url) as made:
            yield made
    finally:
        aws.stop()


@pytest.fixture
def bucket(front: S3Front, world: World, s3: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The bucket behind the proxy, which the worker uses in place of the one in process."""
    front.rule = lambda _: None
    made = client(front.url)
    if BUCKET not in [found["Name"] for found in made.list_buckets()["Buckets"]]:
        made.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        made.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    monkeypatch.setattr(back_up_tenant, "_store", lambda *_: ObjectStore(client(front.url), BUCKET))
    front.calls.clear()
    return made


def back_up(tenant: TenantId, backup_id: BackupId | None = None) -> dict[str, Any]:
    named = {"backup_id": backup_id.value} if backup_id else {}
    return back_up_tenant.handler({"tenant_id": tenant.value, **named}, Context())


def times(number: int, kind: str, **change: Any) -> Callable[[Exchange], None]:
    """Tamper with the first so many calls of a kind."""
    left = iter(range(number))
    lock = threading.Lock()

    def rule(exchange: Exchange) -> None:
        with lock:
            if exchange.kind == kind and next(left, None) is not None:
                for name, value in change.items():
                    setattr(exchange, name, value)

    return rule


@pytest.mark.parametrize("kind", ["Create", "UploadPart", "Complete", "Put"])
def test_a_5xx_is_tried_again(world: World, bucket: Any, front: S3Front, kind: str) -> None:
    front.rule = times(2, kind, status=503, code="SlowDown")
    answer = back_up(world.tenants[1])
    assert not answer["already_published"]
    assert front.calls.count(kind) == 3
    assert manifest_of(bucket, answer).dump.parts == 1


@pytest.mark.parametrize("kind", ["Create", "UploadPart", "Complete", "Put"])
def test_what_keeps_failing_is_no_backup(world: World, bucket: Any, front: S3Front, kind: str) -> None:
    tenant = world.tenants[1]
    backup_id = new_id()
    front.rule = times(100, kind, status=500)
    with pytest.raises(TenantryError) as failure:
        back_up(tenant, backup_id)
    assert failure.value.code == "object_store_unavailable"
    front.rule = lambda _: None
    assert not [key for key in keys(bucket, tenant) if backup_id.value in key and key.endswith("manifest.json")]
    assert_left_nothing(world, bucket, keys(bucket, tenant), tenant)
    # Lambda delivers the event once more, and then there is one.
    assert not back_up(tenant, backup_id)["already_published"]


def new_id() -> BackupId:
    return new_backup_id(datetime.now(UTC))


@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchUpload"), (412, "PreconditionFailed")])
def test_an_answer_that_was_lost_is_asked_for_again(
    world: World, bucket: Any, front: S3Front, status: int, code: str
) -> None:
    """S3 has completed the upload but answered 500. The second call is refused, while the object exists and is ours."""
    lost, refused = times(1, "Complete", status=500, after=True), times(100, "Complete", status=status, code=code)

    def rule(exchange: Exchange) -> None:
        lost(exchange)
        if not exchange.status:
            refused(exchange)

    front.rule = rule
    answer = back_up(world.tenants[1])
    manifest = manifest_of(bucket, answer)
    head = bucket.head_object(Bucket=BUCKET, Key=manifest.dump.key)
    assert (head["VersionId"], head["ContentLength"]) == (manifest.dump.version_id, manifest.dump.stored_bytes)


def test_a_manifest_whose_answer_was_lost_counts_once(world: World, bucket: Any, front: S3Front) -> None:
    front.rule = times(1, "Put", status=500, after=True)
    answer = back_up(world.tenants[1])
    assert answer["already_published"]
    assert manifest_of(bucket, answer).backup_id == answer["backup_id"]


def test_a_conflict_on_the_manifest_is_tried_again(world: World, bucket: Any, front: S3Front) -> None:
    front.rule = times(1, "Put", status=409, code="ConditionalRequestConflict")
    assert not back_up(world.tenants[1])["already_published"]


@pytest.mark.parametrize(("status", "code"), [(409, "object_store_unavailable"), (412, "backup_in_progress")])
def test_somebody_else_was_quicker(world: World, bucket: Any, front: S3Front, status: int, code: str) -> None:
    tenant = world.tenants[1]
    before = keys(bucket, tenant)
    front.rule = times(100, "Complete", status=status, code="PreconditionFailed")
    with pytest.raises(TenantryError) as failure:
        back_up(tenant)
    front.rule = lambda _: None
    assert failure.value.code == code
    assert_left_nothing(world, bucket, before, tenant)


def test_a_stalled_answer_is_given_up_and_tried_again(world: World, bucket: Any, front: S3Front) -> None:
    over = threading.Event()
    first = iter([True])

    def stall(exchange: Exchange) -> None:
        if exchange.kind == "UploadPart" and next(first, False):
            over.wait(30)

    front.rule = stall
    try:
        assert not back_up(world.tenants[1])["already_published"]
    finally:
        over.set()
    assert front.calls.count("UploadPart") == 2


def test_a_part_that_is_damaged_on_the_way_is_refused(world: World, bucket: Any, front: S3Front) -> None:
    tenant = world.tenants[1]
    before = keys(bucket, tenant)

    def flip(exchange: Exchange) -> None:
        if exchange.kind == "UploadPart":
            exchange.body = bytes([exchange.body[0] ^ 1]) + exchange.body[1:]

    front.rule = flip
    with pytest.raises(TenantryError) as failure:
        back_up(tenant)
    front.rule = lambda _: None
    assert failure.value.code == "object_store_unavailable"
    assert_left_nothing(world, bucket, before, tenant)


def test_an_upload_that_somebody_aborts(world: World, bucket: Any, front: S3Front) -> None:
    tenant = world.tenants[1]
    before = keys(bucket, tenant)

    def abort(exchange: Exchange) -> None:
        if exchange.kind == "UploadPart":
            for upload in bucket.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
                bucket.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])

    front.rule = abort
    with pytest.raises(TenantryError) as failure:
        back_up(tenant)
    front.rule = lambda _: None
    assert failure.value.code == "object_store_unavailable"
    assert_left_nothing(world, bucket, before, tenant)


def test_two_workers_for_one_tenant(world: World, s3: Any) -> None:
    """The second worker is refused at once, whatever its order, and the first one is not disturbed."""
    tenant = world.tenants[1]
    outcomes: list[Any] = []
    with (
        closing(world.admin(tenant.value)) as blocker,
        blocker.cursor() as cursor,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("LOCK_TIMEOUT_MS", "60000")
        clear_caches()
        blocker.autocommit = False
        cursor.execute("LOCK TABLE candidates IN ACCESS EXCLUSIVE MODE")
        first = threading.Thread(target=lambda: outcomes.append(back_up(tenant)))
        first.start()
        waiting = (
            "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'tenantry-backup%' AND wait_event_type = 'Lock'"
        )
        wait_until(lambda: bool(world.execute(waiting)))
        with pytest.raises(TenantryError) as failure:
            back_up(tenant)
        blocker.rollback()
        first.join()
    clear_caches()
    assert failure.value.code == "backup_in_progress"
    assert [answer["already_published"] for answer in outcomes] == [False]
