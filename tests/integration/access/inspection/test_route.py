"""`/admin/v1/reports/pgadmin` as operators call it."""

from collections.abc import Iterator
from typing import Any

import pytest

from handlers.settings.administration import administration_settings
from handlers.wiring import services as wiring
from tests.integration.access.inspection.conftest import Desk
from tests.integration.conftest import TABLE
from tests.integration.tenants.test_administration import Operator

PATH = "/admin/v1/reports/pgadmin"


@pytest.fixture
def operator(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    monkeypatch.setenv("REGISTRY_TABLE", TABLE)
    monkeypatch.setenv("OPERATION_FUNCTION_ARN", "arn:aws:lambda:ap-south-1:123456789012:function:perform")
    monkeypatch.setenv("TIMER_ROLE_ARN", "arn:aws:iam::123456789012:role/timer")
    administration_settings.cache_clear()
    wiring.services.cache_clear()
    yield Operator(desk.world)
    administration_settings.cache_clear()
    wiring.services.cache_clear()


def test_an_operator_opens_a_look_and_it_stands_in_each_tenants_trail(desk: Desk, operator: Operator) -> None:
    mine, theirs = map(str, desk.world.tenants)
    opened = operator.call("POST", PATH, {"tenants": [mine, theirs, mine], "hours": 1})
    assert opened.status == 201, opened.text
    assert opened.json.keys() == {"operation_id", "expires_at", "secret", "servers", "sslrootcert"}
    entries = opened.json["servers"]["Servers"]
    assert [entry["Name"] for entry in entries.values()] == [mine, theirs]
    shown = operator.call("GET", PATH)
    assert [look["operation_id"] for look in shown.json["items"]] == [opened.json["operation_id"]]
    operation = operator.call("GET", f"/admin/v1/operations/{opened.json['operation_id']}")
    text: str = desk.secrets.get_secret_value(SecretId=opened.json["secret"])["SecretString"]
    for line in text.splitlines():
        assert line.rsplit(":", 1)[1] not in opened.text + shown.text + operation.text
    for tenant in (mine, theirs):
        (entry,) = operator.call("GET", "/admin/v1/audit", target=f"tenant/{tenant}").json["items"]
        assert (entry["action"], entry["actor"], entry["outcome"]) == ("look_into_tenant", "op-1", "succeeded")


@pytest.mark.parametrize(
    "change",
    [
        {"tenants": []},
        {"hours": 0},
        {"hours": 25},
        {"tenants": ["acme"] * 51},
        {"tenant": "acme"},
        {"tenants": ["A_B"]},
    ],
)
def test_a_call_that_does_not_fit_opens_nothing(desk: Desk, operator: Operator, change: dict[str, Any]) -> None:
    refused = operator.call("POST", PATH, {"tenants": ["acme"]} | change)
    assert refused.status == 400
    assert refused.json["code"] in {"invalid_body", "invalid_tenant_id"}
    assert desk.logins() == []


def test_a_tenant_that_is_not_known_is_said_and_written_down(desk: Desk, operator: Operator) -> None:
    refused = operator.call("POST", PATH, {"tenants": ["nobody-here"]})
    assert (refused.status, refused.json["code"], refused.json["details"]) == (404, "tenant_unknown", "nobody-here")
    (entry,) = operator.call("GET", "/admin/v1/audit", target="tenant/nobody-here").json["items"]
    assert entry["outcome"] == "tenant_unknown"
