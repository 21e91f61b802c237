"""A backup on demand through the real API: requested, watched, downloaded by an expiring link, hidden from others."""

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import zstandard
from botocore.exceptions import ClientError

from tenantry.backups.reader import ReaderSessions
from tenantry.domain.residency import BackupBucket, parse_buckets
from tenantry.domain.tenant import TenantId
from tests.e2e.api import Api
from tests.e2e.living import living_tenant

MINE, THEIRS = "mycompany", "mycompany1"
PATIENCE_SECONDS = 60


def published(api: Api, path: str, token: str) -> Any:
    """Wait until a backup is published."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    seen = set()
    while True:
        shown = api.call("GET", path, token).json()
        seen.add(shown["progress"]["state"])
        if shown["progress"]["state"] == "published":
            assert seen <= {"queued", "running", "published"}
            return shown
        assert shown["progress"]["state"] in {"queued", "running"}, shown
        assert time.monotonic() < deadline, "no backup came"
        time.sleep(0.2)  # the interval of polling, up to the deadline above


def test_a_tenants_admin_takes_and_downloads_a_backup(api: Api) -> None:
    with living_tenant(api, 3, isolation="database", region="ap-south-1") as tenant:
        assert tenant.call("POST", "/backups/v1", "editor").status_code == 403
        asked = tenant.call("POST", "/backups/v1", "admin")
        assert asked.status_code == 202, asked.text
        named = asked.json()["backup_id"]
        token = tenant.tokens["admin"]
        shown = published(api, f"/backups/v1/{named}", token)
        assert shown["progress"]["tables_done"] == shown["progress"]["tables_total"] > 0
        assert {t["table"]: t["rows"] for t in shown["contents"]}["candidates"] == 3
        assert tenant.call("POST", "/backups/v1", "admin").json()["code"] == "backup_too_soon"

        link = tenant.call("POST", f"/backups/v1/{named}/download", "admin").json()
        assert datetime.fromisoformat(link["expires_at"]) > datetime.now(UTC)
        fetched = api.http.get(link["url"])
        assert fetched.status_code == 200
        assert hashlib.sha256(fetched.content).hexdigest() == link["sha256"]
        assert zstandard.ZstdDecompressor().decompressobj().decompress(fetched.content).startswith(b"PGDMP")

        # Another tenant's admin has no such backup.
        other = api.token(THEIRS, "admin")
        for method, path in (("GET", f"/backups/v1/{named}"), ("POST", f"/backups/v1/{named}/download")):
            assert api.call(method, path, other).json()["code"] == "backup_unknown"


def test_an_operator_backs_up_now(api: Api) -> None:
    operator = api.token_of(api.stack.operator.username)
    path = f"/admin/v1/tenants/{MINE}/backups"
    asked = api.call("POST", path, operator)
    assert asked.status_code == 202, asked.text
    named = asked.json()["backup_id"]
    shown = published(api, f"{path}/{named}", operator)
    assert (shown["trigger"], shown["fault"], shown["manifest"]["format"]) == ("operator", None, 3)
    link = api.call("POST", f"{path}/{named}/download", operator).json()
    assert hashlib.sha256(api.http.get(link["url"]).content).hexdigest() == shown["manifest"]["dump"]["sha256"]
    audit = api.call("GET", "/admin/v1/audit", operator, params={"target": f"tenant/{MINE}"}).json()["items"]
    actions = [entry["action"] for entry in audit]
    assert "back_up_now" in actions
    assert f"download_backup/{named}" in actions


@pytest.mark.parametrize("function", ["ManageBackups", "AdministerTenants"])
def test_a_readers_session_reaches_one_tenants_backups_alone(api: Api, function: str) -> None:
    bucket = BackupBucket(api.stack.region, api.stack.backup_bucket)
    role = api.aws("iam").get_role(RoleName=api.resource("TenantReadBackupsRole"))["Role"]["Arn"]
    keys = api.as_role(api.role_of(function))
    body = b"content"
    for tenant in (MINE, THEIRS):
        api.aws("s3").put_object(Bucket=bucket.name, Key=f"tenants/{tenant}/backups/x/probe", Body=body)
    try:
        sessions = ReaderSessions(
            api.aws("sts", **keys), role, "local", api.stack.region, parse_buckets(bucket, "", "local")
        )
        s3 = api.aws("s3", **sessions.open(TenantId(MINE)).client_arguments)
        found = s3.get_object(Bucket=bucket.name, Key=f"tenants/{MINE}/backups/x/probe")["Body"].read()
        assert found == body
        attempts: list[Callable[[], Any]] = [
            lambda: s3.get_object(Bucket=bucket.name, Key=f"tenants/{THEIRS}/backups/x/probe"),
            lambda: s3.put_object(Bucket=bucket.name, Key=f"tenants/{MINE}/backups/x/probe", Body=b""),
            lambda: s3.delete_object(Bucket=bucket.name, Key=f"tenants/{MINE}/backups/x/probe"),
            lambda: api.aws("s3", **keys).get_object(Bucket=bucket.name, Key=f"tenants/{MINE}/backups/x/dump.zst"),
        ]
        for attempt in attempts:
            with pytest.raises(ClientError) as refusal:
                attempt()
            assert refusal.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}
    finally:
        for tenant in (MINE, THEIRS):
            for version in api.aws("s3").list_object_versions(
                Bucket=bucket.name, Prefix=f"tenants/{tenant}/backups/x/"
            )["Versions"]:
                api.aws("s3").delete_object(Bucket=bucket.name, Key=version["Key"], VersionId=version["VersionId"])
