"""Backups on demand: requested by operators and by a tenant's own admin, watched, and downloaded by links."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers import manage_backups
from handlers.settings.administration import administration_settings
from handlers.settings.backups import manage_settings
from handlers.wiring import services as wiring
from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.backups.progress import BackupState, Progress
from tenantry.backups.progress_store import ProgressStore
from tenantry.domain.backup import BackupId, new_backup_id
from tenantry.domain.errors import Conflict, DependencyFailed
from tenantry.domain.paging import PageRequest
from tenantry.domain.tenant import TenantId
from tenantry.operations.audit_log import AuditFilter
from tenantry.operations.leases import Leases
from tests.integration.backups.test_take import BUCKET, back_up
from tests.integration.conftest import TABLE, Reply, World
from tests.integration.tenants.test_administration import Operator

ARN = "arn:aws:lambda:ap-south-1:123456789012:function:back-up"
READER = "arn:aws:iam::123456789012:role/read-backups"


@pytest.fixture
def started(world: World, s3: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, str]]]:
    """The invocations that Lambda was asked for; a test performs them itself."""
    events: list[dict[str, str]] = []
    monkeypatch.setattr(FunctionInvoker, "start", lambda _, event: events.append(event))
    for name, value in (
        ("BACKUP_FUNCTION_ARN", ARN),
        ("BACKUP_READER_ROLE_ARN", READER),
        ("OPERATION_FUNCTION_ARN", ARN),
        ("TIMER_ROLE_ARN", READER),
    ):
        monkeypatch.setenv(name, value)
    forget()
    yield events
    for tenant in world.tenants:
        for found in world.registry._dynamodb.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :tenant",
            ExpressionAttributeValues={":tenant": {"S": f"BACKUPS#{tenant}"}},
        )["Items"]:
            world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": found["pk"], "sk": found["sk"]})
    forget()


def forget() -> None:
    for cached in (manage_settings, manage_backups._services, administration_settings, wiring.services):
        cached.cache_clear()


def call(tenant: TenantId, method: str = "GET", path: str = "", role: str = "admin") -> Reply:
    """Send a request as API Gateway does for a user of the tenant."""
    backup_id = path.removesuffix("/download").strip("/")
    event = {
        "path": f"/backups/v1{path}",
        "httpMethod": method,
        "pathParameters": {"backup_id": backup_id} if backup_id else None,
        "requestContext": {
            "authorizer": {
                "tenantId": tenant.value,
                "tenantStatus": "active",
                "role": role,
                "userId": "someone",
                "claims": "{}",
            }
        },
    }
    answer = manage_backups.handler(event, None)
    return Reply(answer["statusCode"], answer["body"], answer["headers"])


def test_a_tenants_admin_asks_watches_and_downloads(world: World, s3: Any, started: list[dict[str, str]]) -> None:
    tenant = world.tenants[0]
    asked = call(tenant, "POST")
    assert (asked.status, asked.json["state"]) == (202, "queued")
    named = asked.json["backup_id"]
    assert started == [{"tenant_id": tenant.value, "backup_id": named, "trigger": "tenant"}]
    assert call(tenant, path=f"/{named}").json["progress"]["state"] == "queued"
    assert [one["backup_id"] for one in call(tenant).json["pending"]] == [named]
    again = call(tenant, "POST")
    assert (again.status, again.json["code"], again.json["details"]) == (409, "backup_in_progress", named)

    back_up(tenant, backup_id=named, trigger="tenant")
    shown = call(tenant, path=f"/{named}").json
    progress = shown["progress"]
    assert (progress["state"], progress["tables_done"], progress["tables_total"]) == ("published", 2, 2)
    assert progress["dump_bytes"] > progress["stored_bytes"] > 0
    assert {table["table"]: table["rows"] for table in shown["contents"]}["candidates"] == 10
    assert (shown["omissions"], {table["copied"] for table in shown["contents"]}) == ([], {False})
    assert "manifest" not in shown
    listed = call(tenant).json
    assert named in {backup["backup_id"] for backup in listed["backups"]}
    assert listed["pending"] == []

    too_soon = call(tenant, "POST")
    assert (too_soon.status, too_soon.json["code"]) == (409, "backup_too_soon")

    link = call(tenant, "POST", f"/{named}/download")
    assert (link.status, link.json["pg_restore"]) == (200, 18)
    query = parse_qs(urlsplit(link.json["url"]).query)
    assert query["versionId"]
    assert int(query.get("X-Amz-Expires", query.get("Expires", ["0"]))[0]) > 0
    ends = datetime.fromisoformat(link.json["expires_at"]) - datetime.now(UTC)
    assert timedelta() < ends <= timedelta(minutes=15)
    day = timedelta(days=1)
    wanted = AuditFilter(datetime.now(UTC) - day, datetime.now(UTC) + day, f"tenant/{tenant}")
    trail = wiring.services().trail.page(wanted, PageRequest()).items
    assert [(e.actor, e.action, e.outcome) for e in reversed(trail)] == [
        ("someone", "back_up_now", "succeeded"),
        ("someone", "back_up_now", "backup_in_progress"),
        ("someone", "back_up_now", "backup_too_soon"),
        ("someone", f"download_backup/{named}", "succeeded"),
    ]


def test_operators_need_not_wait_so_long(world: World, s3: Any, started: list[dict[str, str]]) -> None:
    operator, tenant = Operator(world), world.tenants[1]
    path = f"/admin/v1/tenants/{tenant}/backups"
    asked = operator.call("POST", path)
    assert (asked.status, asked.json["trigger"]) == (202, "operator")
    named = asked.json["backup_id"]
    assert operator.call("GET", f"{path}/{named}").json["progress"]["state"] == "queued"
    assert operator.call("POST", path).json["code"] == "backup_in_progress"
    back_up(tenant, backup_id=started[0]["backup_id"], trigger=started[0]["trigger"])
    shown = operator.call("GET", f"{path}/{named}").json
    assert shown["progress"]["state"] == "published"
    assert shown["manifest"]["format"] == 3
    assert "settings" not in shown["manifest"]
    link = operator.call("POST", f"{path}/{named}/download")
    assert (link.status, link.json["sha256"]) == (200, shown["manifest"]["dump"]["sha256"])
    assert operator.call("POST", "/admin/v1/tenants/nobody-at-all/backups").status == 404


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_who_is_no_admin_is_refused(world: World, started: list[dict[str, str]], role: str) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("POST", f"/{new_backup_id(datetime.now(UTC))}/download")):
        assert call(world.tenants[0], method, path, role).status == 403
    assert started == []


def test_another_tenants_backup_is_not_there(world: World, s3: Any, started: list[dict[str, str]]) -> None:
    mine, theirs = world.tenants
    named = back_up(theirs)["backup_id"]
    for method, path in (("GET", f"/{named}"), ("POST", f"/{named}/download")):
        answer = call(mine, method, path)
        assert (answer.status, answer.json["code"]) == (404, "backup_unknown")
    assert call(mine, "POST", f"/{named}").status == 404
    assert call(mine, "GET", "/../../other").status == 400


def test_a_broken_backup_is_not_handed_out(world: World, s3: Any, started: list[dict[str, str]]) -> None:
    tenant = world.tenants[1]
    answer = back_up(tenant)
    s3.put_object(Bucket=BUCKET, Key=json.loads(read(s3, answer["manifest"]))["dump"]["key"], Body=b"shorter")
    version = json.loads(read(s3, answer["manifest"]))["dump"]["version_id"]
    s3.delete_object(Bucket=BUCKET, Key=json.loads(read(s3, answer["manifest"]))["dump"]["key"], VersionId=version)
    refused = call(tenant, "POST", f"/{answer['backup_id']}/download")
    assert (refused.status, refused.json["code"]) == (409, "backup_broken")
    path = f"/admin/v1/tenants/{tenant}/backups/{answer['backup_id']}"
    for body in ({"tenant_id": tenant.value}, {"into": "somebody-new"}, {"tenant_id": tenant.value, "tables": ["a.b"]}):
        refused = Operator(world).call("POST", f"{path}/restore", body)
        assert (refused.status, refused.json["code"], bool(refused.json["hint"])) == (409, "backup_broken", True)


def test_what_is_published_is_no_failure(world: World, s3: Any, started: list[dict[str, str]]) -> None:
    """A first attempt fails, the next publishes under the same id, and its last report does not get through."""
    tenant, store = world.tenants[0], ProgressStore(world.registry._dynamodb, TABLE)
    named = BackupId(back_up(tenant)["backup_id"])
    store.put(Progress(tenant.value, named.value, BackupState.FAILED, "tenant", datetime.now(UTC), error="08006"))
    path = f"/admin/v1/tenants/{tenant}/backups/{named}"
    for shown in (call(tenant, path=f"/{named}").json, Operator(world).call("GET", path).json):
        assert (shown["progress"]["state"], shown["progress"]["error"]) == ("published", None)
    assert named.value not in [one["backup_id"] for one in call(tenant).json["pending"]]
    other = new_backup_id(datetime.now(UTC))
    store.put(Progress(tenant.value, other.value, BackupState.FAILED, "tenant", datetime.now(UTC), error="08006"))
    assert call(tenant, path=f"/{other}").json["progress"]["state"] == "failed"


def read(s3: Any, key: str) -> bytes:
    body: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def test_a_worker_that_died_is_not_waited_for(world: World, s3: Any, started: list[dict[str, str]]) -> None:
    tenant, store = world.tenants[0], ProgressStore(world.registry._dynamodb, TABLE)
    silent_since = datetime.now(UTC) - timedelta(minutes=3)
    named = new_backup_id(silent_since)
    store.put(Progress(tenant.value, named.value, BackupState.RUNNING, "tenant", silent_since))
    assert call(tenant, path=f"/{named}").json["progress"]["state"] == "lost"
    assert call(tenant, "POST").status == 202


def test_a_backup_for_which_no_worker_is_free_is_waited_for(
    world: World, s3: Any, started: list[dict[str, str]]
) -> None:
    tenant, store = world.tenants[0], ProgressStore(world.registry._dynamodb, TABLE)
    for asked, state in ((timedelta(hours=5), "queued"), (timedelta(hours=7), "lost")):
        since = datetime.now(UTC) - asked
        named = new_backup_id(since)
        store.put(Progress(tenant.value, named.value, BackupState.QUEUED, "tenant", since))
        assert call(tenant, path=f"/{named}").json["progress"]["state"] == state
        store.put(Progress(tenant.value, named.value, BackupState.FAILED, "tenant", since))


def test_a_worker_that_can_not_begin_says_so(world: World, s3: Any, started: list[dict[str, str]]) -> None:
    """Else it would look queued for hours, in which nobody could ask again."""
    tenant = world.tenants[0]
    named = call(tenant, "POST").json["backup_id"]
    dynamodb = world.registry._dynamodb
    with Leases(dynamodb, TABLE, 900).hold("backup", tenant.value), pytest.raises(Conflict):
        back_up(tenant, backup_id=named)
    progress = call(tenant, path=f"/{named}").json["progress"]
    assert (progress["state"], progress["error"]) == ("failed", "backup_in_progress")
    # Lambda tries it again.
    back_up(tenant, backup_id=named)
    assert call(tenant, path=f"/{named}").json["progress"]["state"] == "published"


def test_a_failure_is_told_and_asked_for_again(
    world: World, s3: Any, started: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, operator = world.tenants[0], Operator(world)

    def refuse(*_: object) -> None:
        raise DependencyFailed("no", code="invocation_refused")

    monkeypatch.setattr(FunctionInvoker, "start", refuse)
    path = f"/admin/v1/tenants/{tenant}/backups"
    assert operator.call("POST", path).status == 503
    (pending,) = call(tenant).json["pending"]
    assert (pending["state"], pending["error"]) == ("failed", "invocation_refused")


def test_a_worker_tells_how_it_failed(world: World, s3: Any, started: list[dict[str, str]]) -> None:
    tenant = world.tenants[0]
    named = new_backup_id(datetime.now(UTC)).value
    world.execute(f'ALTER DATABASE "{tenant}" ALLOW_CONNECTIONS false')
    try:
        with pytest.raises(Exception, match="cannot be reached"):
            back_up(tenant, backup_id=named)
    finally:
        world.execute(f'ALTER DATABASE "{tenant}" ALLOW_CONNECTIONS true')
    progress = call(tenant, path=f"/{named}").json["progress"]
    assert (progress["state"], progress["error"]) == ("failed", "55000")
