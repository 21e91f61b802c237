"""The handler counts the answers that a rollout looks at, and gives them whatever becomes of the counting."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers import query_tenant
from handlers.settings.query import query_settings
from tenantry.aws.clients import aws_client
from tenantry.data_api import error_counter
from tenantry.domain.error_buckets import bucket_of, buckets_until
from tenantry.domain.tenant import TenantId
from tenantry.rollouts.error_counts import ErrorCounts
from tests.integration.conftest import ERROR_COUNTS, REGION, World, request_event


@pytest.fixture(autouse=True)
def _new_environment() -> Iterator[None]:
    query_tenant._error_counters.clear()
    yield
    query_tenant._error_counters.clear()


def counted() -> Counter[str]:
    """All that was counted in the last minutes."""
    now = datetime.now(UTC)
    counts = ErrorCounts(aws_client("dynamodb", REGION), ERROR_COUNTS)
    return counts.of([*buckets_until(now, 3), bucket_of(now)])


def test_errors_of_the_schema_are_counted_for_the_tenant_of_the_token(world: World) -> None:
    mine, theirs = (tenant_id.value for tenant_id in world.tenants)
    before = counted()
    event = request_event(
        TenantId(mine), "GET", "no_such_table", role="editor", body=None, prefer="", query={"tenant_id": f"eq.{theirs}"}
    )
    disguise = {"X-Amz-Tenant-Id": [theirs], "Tenant-Id": [theirs], "Accept-Profile": [theirs]}
    assert query_tenant.handler(event | {"multiValueHeaders": disguise}, None)["statusCode"] == 406
    assert query_tenant._error_counters == []
    del disguise["Accept-Profile"]
    assert query_tenant.handler(event | {"multiValueHeaders": disguise}, None)["statusCode"] == 404
    assert counted() - before == {mine: 1}


def test_who_succeeds_or_errs_by_himself_makes_no_counter(world: World) -> None:
    tenant_id, before = world.tenants[0], counted()
    assert world.call(tenant_id).status == 200
    assert world.call(tenant_id, id="eq.x").json["code"] == "22P02"
    assert world.call(tenant_id, id="no.filter").json["code"] == "PGRST100"
    event = request_event(tenant_id, "GET", "no_such_table", role="editor", body=None, prefer="", query={})
    nobody: dict[str, Any] = {"requestContext": {"authorizer": {"tenantId": tenant_id.value}}}
    assert query_tenant.handler(event | nobody, None)["statusCode"] == 401
    event["requestContext"]["authorizer"]["tenantStatus"] = "suspended"
    assert query_tenant.handler(event, None)["statusCode"] == 403
    assert query_tenant._error_counters == []
    assert counted() == before


def test_what_one_has_left_behind_is_written_by_the_next_request_of_anybody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = world.tenants
    before = counted()
    for _ in range(3):
        assert world.call(first, table="no_such_table").status == 404
    assert counted() - before == {first.value: 1}
    (counter,) = query_tenant._error_counters
    monkeypatch.setattr(counter, "_clock", lambda: datetime.now(UTC) + timedelta(seconds=21))
    assert world.call(second).status == 200
    assert counted() - before == {first.value: 3}


def test_an_answer_is_the_same_where_nothing_can_be_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant_id = world.tenants[0]
    usual = world.call(tenant_id, table="no_such_table")
    assert usual.status == 404

    def defect(_: str) -> Any:
        raise ValueError("a secret")

    def without_table() -> None:
        monkeypatch.setenv("ERROR_COUNTS_TABLE", "nowhere")
        query_settings.cache_clear()

    for spoil in (without_table, lambda: monkeypatch.setattr(error_counter, "quick_dynamodb", defect)):
        spoil()
        query_tenant._error_counters.clear()
        for _ in range(2):
            assert world.call(tenant_id, table="no_such_table") == usual
    said = capsys.readouterr().out
    assert said.count("errors could not be counted") == 1
    assert "ResourceNotFoundException" in said
    assert "a secret" not in said
    monkeypatch.undo()
    query_settings.cache_clear()
