"""The cost report, with real sizes from PostgreSQL and S3."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.tenant import Home, Isolation, TenantId
from tenantry.reports.cost.cost import GIB
from tenantry.reports.cost.estimate import CostEstimate
from tenantry.reports.cost.price_file import PriceFile
from tenantry.reports.cost.usage_metering import UsageMetering
from tests.integration.conftest import REGION, STAGE
from tests.integration.reports.conftest import ACME, BUCKET, SERVER, UMBRELLA, Fleet, Pages

# What Fleet.back_up stores.
BACKUP_BYTES = 2048
USED = {"id-acme": [[10, 990], [5, 985]], "id-umbrella": [[0, 1000]]}


def metering(**used: Any) -> UsageMetering:
    plans = [{"id": "p1", "name": f"tenantry-{STAGE}-standard"}, {"id": "p2", "name": "another's"}]
    usage = [{"items": used}, {"items": {"id-acme": [[1, 0]]}}]
    return UsageMetering(Pages(get_usage_plans=[{"items": plans}], get_usage=usage), STAGE)  # type: ignore[arg-type]


def estimate(fleet: Fleet, counted: UsageMetering | None = None, key: str = "", region: str = REGION) -> dict[str, Any]:
    prices = PriceFile(fleet.s3, BUCKET, key)
    made = CostEstimate(
        fleet.registry,
        fleet.secrets,
        fleet.servers,
        fleet.inventory,
        fleet.backups,
        counted or metering(**USED),
        prices,
        region,
        "ENABLED",
    ).run()
    shown = made.to_json()
    assert json.loads(json.dumps(shown)) == shown
    return shown


def of(shown: dict[str, Any], tenant: TenantId) -> dict[str, Any]:
    (found,) = (one for one in shown["tenants"] if one["tenant"] == tenant.value)
    assert Decimal(found["total"]) == sum(Decimal(found[line]) for line in LINES)
    return dict(found)


LINES = ("storage", "server_share", "secret", "secret_calls", "api_requests", "lambda", "backups")


def size(fleet: Fleet, database: str) -> int:
    return int(fleet.execute(f"SELECT pg_database_size('{database}')")[0][0])


def test_every_tenant_is_charged_for_what_was_measured(fleet: Fleet) -> None:
    fleet.registry.put_server(replace(fleet.place, monthly_price=Decimal("120.50")))
    fleet.execute("CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)", "acme")
    fleet.back_up(ACME.value, "01JBXKQ5S00000000000000001")
    shown = estimate(fleet)
    acme, umbrella = of(shown, ACME), of(shown, UMBRELLA)
    assert acme["data_bytes"] == size(fleet, "acme") > umbrella["data_bytes"] == size(fleet, "umbrella")
    assert (acme["backup_bytes"], umbrella["backup_bytes"]) == (2 * BACKUP_BYTES, BACKUP_BYTES)
    assert (acme["requests"], umbrella["requests"]) == (16, 0)
    assert Decimal(acme["storage"]) == (Decimal("0.0912") * acme["data_bytes"] / GIB).quantize(Decimal("0.0001"))
    assert Decimal(acme["server_share"]) + Decimal(umbrella["server_share"]) == Decimal("120.5")
    assert Decimal(acme["server_share"]) > Decimal(umbrella["server_share"])
    assert (acme["server"], acme["secret"]) == (SERVER, "0.8000")
    assert acme["notes"] == umbrella["notes"] == shown["unchecked"] == []
    (server,) = shown["servers"]
    assert Decimal(server["total"]) == Decimal(shown["total"]) == Decimal(acme["total"]) + Decimal(umbrella["total"])
    assert (server["monthly_price"], server["data_bytes"]) == ("120.50", acme["data_bytes"] + umbrella["data_bytes"])


def test_every_version_of_a_backup_is_paid_for(fleet: Fleet) -> None:
    fleet.s3.delete_object(Bucket=BUCKET, Key="tenants/acme/backups/01JBXKQ5S00000000000000000/dump.zst")
    fleet.back_up(ACME.value)
    assert of(estimate(fleet), ACME)["backup_bytes"] == 2 * BACKUP_BYTES


def test_what_a_tenant_left_and_may_go_back_to_is_paid_for(fleet: Fleet) -> None:
    fleet.execute("CREATE DATABASE acme_before OWNER acme_owner")
    before = Home(SERVER, Isolation.DATABASE, "acme_before", "public")
    fleet.registry.put_tenant(replace(fleet.tenant(), former_home=before, former_ids=(TenantId("formerly"),)))
    fleet.back_up("formerly")
    acme = of(estimate(fleet), ACME)
    assert acme["data_bytes"] == size(fleet, "acme") + size(fleet, "acme_before")
    assert acme["backup_bytes"] == 2 * BACKUP_BYTES


def test_a_stack_in_a_region_without_prices_says_whose_it_takes(fleet: Fleet) -> None:
    assert "prices_of_us-east-1" in of(estimate(fleet, region="eu-north-1"), ACME)["notes"]


class Refusing:
    """A client that lacks some permissions."""

    def get_paginator(self, operation: str) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)


def lose_server(fleet: Fleet) -> None:
    admin = fleet.administrators.find(SERVER)
    assert admin
    fleet.administrators.write(SERVER, replace(admin, password="wrong"))


@pytest.mark.parametrize(
    ("lose", "counted", "note"),
    [
        (lose_server, None, "size_unknown"),
        (lambda _: None, Refusing(), "requests_unknown"),
    ],
)
def test_what_can_not_be_measured_is_told(fleet: Fleet, lose: Callable[[Fleet], None], counted: Any, note: str) -> None:
    lose(fleet)
    shown = estimate(fleet, counted and UsageMetering(counted, STAGE))
    assert note in of(shown, ACME)["notes"]
    assert shown["unchecked"]
    assert shown["total"] > "0"


def test_an_operators_own_prices_are_taken(fleet: Fleet) -> None:
    prices = json.loads(PriceFile(fleet.s3, BUCKET, "")._bytes())
    prices["regions"][REGION]["secret"] = "0.55"
    prices["date"] = "2027-01-01"
    fleet.s3.put_object(Bucket=BUCKET, Key="prices/own.json", Body=json.dumps(prices).encode())
    shown = estimate(fleet, key="prices/own.json")
    assert (shown["price_date"], of(shown, ACME)["secret"]) == ("2027-01-01", "1.1000")


@pytest.mark.parametrize("key", ["prices/none.json", "prices/broken.json"])
def test_a_price_file_that_can_not_be_read_is_told(fleet: Fleet, key: str) -> None:
    fleet.s3.put_object(Bucket=BUCKET, Key="prices/broken.json", Body=b"{")
    with pytest.raises(InvalidSetting):
        estimate(fleet, key=key)
