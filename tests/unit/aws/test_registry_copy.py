"""A restored registry is copied back into the stack's table."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tenantry.aws.clients import aws_client
from tenantry.aws.registry_copy import copy_back, main

REGION, RESTORED, TABLE = "ap-south-1", "registry-restored", "registry"


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        client = aws_client("dynamodb", REGION)
        for table in (RESTORED, TABLE):
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            )
        yield client


def put(dynamodb: Any, table: str, kind: str, name: str, status: str = "active") -> None:
    item = {"pk": {"S": kind}, "sk": {"S": name}, "status": {"S": status}}
    dynamodb.put_item(TableName=table, Item=item)


def held(dynamodb: Any) -> dict[str, str]:
    items = dynamodb.scan(TableName=TABLE)["Items"]
    return {f"{item['pk']['S']} {item['sk']['S']}": item["status"]["S"] for item in items}


def test_what_is_missing_comes_back_and_what_is_different_stays(dynamodb: Any) -> None:
    """A tenant that was moved since would be served from where it was."""
    put(dynamodb, RESTORED, "TENANT", "acme", "at the former server")
    put(dynamodb, RESTORED, "TENANT", "lost")
    put(dynamodb, TABLE, "TENANT", "acme", "moved")

    assert copy_back(dynamodb, RESTORED, TABLE, write=True)["different"] == [("TENANT", "acme")]
    assert held(dynamodb) == {"TENANT acme": "moved", "TENANT lost": "active"}


def test_what_is_missing_or_different_becomes_what_it_was_if_asked(dynamodb: Any) -> None:
    for number in range(60):  # more than one request takes
        put(dynamodb, RESTORED, "TENANT", f"t{number}")
    put(dynamodb, TABLE, "TENANT", "t0")
    put(dynamodb, TABLE, "TENANT", "t1", "nonsense")
    put(dynamodb, TABLE, "TENANT", "younger")

    told = copy_back(dynamodb, RESTORED, TABLE, write=False)
    assert held(dynamodb) == {"TENANT t0": "active", "TENANT t1": "nonsense", "TENANT younger": "active"}
    assert copy_back(dynamodb, RESTORED, TABLE, write=True, overwrite=True) == told
    assert {fate: len(keys) for fate, keys in told.items()} == {
        "missing": 58,
        "different": 1,
        "same": 1,
        "gone since": 0,
        "only here": 1,
    }

    assert held(dynamodb) == {f"TENANT t{number}": "active" for number in range(60)} | {"TENANT younger": "active"}
    assert len(copy_back(dynamodb, RESTORED, TABLE, write=True)["same"]) == 60


@pytest.mark.parametrize(("kind", "name"), [("ERASED", "acme"), ("FORMER", "acme"), ("CERTIFICATE", "acme#2026-12-01")])
def test_a_tenant_that_was_erased_or_renamed_since_does_not_come_back(dynamodb: Any, kind: str, name: str) -> None:
    put(dynamodb, RESTORED, "TENANT", "acme")
    put(dynamodb, RESTORED, "TENANT", "acme-two")
    put(dynamodb, TABLE, kind, name)

    assert copy_back(dynamodb, RESTORED, TABLE, write=True)["gone since"] == [("TENANT", "acme")]
    assert "TENANT acme" not in held(dynamodb)
    assert "TENANT acme-two" in held(dynamodb)


def test_leases_of_workers_that_are_no_more_stay_away(dynamodb: Any) -> None:
    put(dynamodb, RESTORED, "LEASE", "tenant/acme")
    copy_back(dynamodb, RESTORED, TABLE, write=True)
    assert held(dynamodb) == {}


def test_the_command_names_tenants_and_escapes_what_a_terminal_obeys(
    dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    put(dynamodb, RESTORED, "TENANT", "acme\x1b[2J")
    assert main([RESTORED, TABLE]) == 0
    told = capsys.readouterr().out
    assert "1 missing\n           TENANT acme\\x1b[2J\n" in told
    assert told.endswith("nothing is written yet: repeat it with --write\n")
    assert held(dynamodb) == {}


def test_a_table_that_is_not_there_is_an_error(dynamodb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gone", TABLE, "--write"]) == 2
    assert "ResourceNotFoundException" in capsys.readouterr().err
