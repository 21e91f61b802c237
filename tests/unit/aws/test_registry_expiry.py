"""Operations and audit entries of an earlier version get a time to live; what a later call looks for gets none."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.registry_expiry import add_expiry, main
from tenantry.domain.operation_kinds import MOVE, RESTORE
from tenantry.domain.ulid import new_ulid
from tests.registry_table import create_registry_table

REGION, TABLE = "ap-south-1", "registry"
NOW = datetime.now(UTC)
DAY = 86_400


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        client = aws_client("dynamodb", REGION)
        create_registry_table(client, TABLE)
        yield client


def put(dynamodb: Any, partition: str, name: str, **fields: str) -> str:
    item = {"pk": {"S": partition}, "sk": {"S": name}} | {key: {"S": value} for key, value in fields.items()}
    dynamodb.put_item(TableName=TABLE, Item=item)
    return name


def operation(dynamodb: Any, kind: str, days: int, status: str = "succeeded", **fields: str) -> str:
    """Write one as version 0.1.0 did."""
    at = NOW - timedelta(days=days)
    given = {"target": "tenant/acme", "requested_by": "op-1", "requested_at": at.isoformat(), "done": "[]"}
    fields = given | {"facts": "{}", "kind": kind, "status": status} | fields
    return put(dynamodb, "OPERATION", new_ulid(at), **fields)


def entry(dynamodb: Any, days: int) -> str:
    at = NOW - timedelta(days=days)
    fields = {"at": at.isoformat(), "actor": "op-1", "action": "x", "target": "tenant/acme", "outcome": "succeeded"}
    return put(dynamodb, f"AUDIT#{at:%Y-%m}", new_ulid(at), **fields)


def expiries(dynamodb: Any) -> dict[str, float]:
    """Tell in how many days what expires."""
    items = dynamodb.scan(TableName=TABLE)["Items"]
    return {
        item["sk"]["S"]: (int(item["expires_at"]["N"]) - time.time()) / DAY for item in items if "expires_at" in item
    }


def test_what_is_over_expires_and_what_is_still_looked_for_does_not(dynamodb: Any) -> None:
    put(dynamodb, "TENANT", "acme", status="active", former_home="{}")
    put(dynamodb, "TENANT", "calm", status="active")
    over = operation(dynamodb, "report_drift", 100, target="fleet/drift")
    undone = operation(dynamodb, "erase_tenant", 10, "failed", error="undone")
    ancient = operation(dynamodb, "report_drift", 3000, target="fleet/drift")
    settled = operation(dynamodb, MOVE, 100, target="tenant/calm")
    kept = {
        operation(dynamodb, "report_drift", 500, "failed", error="08006"),
        operation(dynamodb, "report_drift", 500, "running"),
        operation(dynamodb, RESTORE, 500),
        operation(dynamodb, MOVE, 500),
        entry(dynamodb, 900),
    }
    everything = dynamodb.scan(TableName=TABLE)["Items"]

    told = add_expiry(dynamodb, TABLE, 400, 0, write=False)
    assert dynamodb.scan(TableName=TABLE)["Items"] == everything
    assert add_expiry(dynamodb, TABLE, 400, 0, write=True) == told
    assert told == {"operations": 4, "operations kept": 4, "audit entries kept": 1}

    found = expiries(dynamodb)
    assert {name: round(days) for name, days in found.items()} == {over: 300, undone: 390, ancient: 1, settled: 300}
    assert not kept & found.keys()
    # What has a time to live keeps it.
    assert add_expiry(dynamodb, TABLE, 10, 0, write=True)["operations"] == 0
    assert expiries(dynamodb).keys() == found.keys()


def test_the_trail_expires_only_if_a_time_is_given(dynamodb: Any) -> None:
    old, young = entry(dynamodb, 900), entry(dynamodb, 9)
    assert add_expiry(dynamodb, TABLE, 0, 0, write=True) == {"audit entries kept": 2}
    assert expiries(dynamodb) == {}
    assert add_expiry(dynamodb, TABLE, 0, 365, write=True) == {"audit entries": 2}
    assert {name: round(days) for name, days in expiries(dynamodb).items()} == {old: 1, young: 356}


def test_the_command_says_what_it_did(dynamodb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    operation(dynamodb, "report_drift", 1)
    assert main([TABLE]) == 0
    assert "1 operations\nnothing is written yet" in capsys.readouterr().out
    assert main([TABLE, "--write"]) == 0
    assert capsys.readouterr().out == "       1 operations\nwritten\n"
    assert main(["no-such-table"]) == 2
    assert "ResourceNotFound" in capsys.readouterr().err
