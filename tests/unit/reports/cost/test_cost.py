import json
from copy import deepcopy
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from tenantry.domain.errors import InvalidSetting
from tenantry.reports.cost.cost import (
    GIB,
    CostReport,
    PriceList,
    Prices,
    ServerShare,
    TenantCost,
    Usage,
    charge,
    parse_prices,
    share_server,
)

ROUND = Prices(*map(Decimal, ("0.10", "0.02", "0.40", "0.05", "3.50", "0.20", "0.00002")))
HOME, OTHER = "ap-south-1", "us-east-1"
PRICES = PriceList("2026-01-01", "USD", HOME, {}, {HOME: ROUND, OTHER: ROUND})
PLACE = ServerShare("first", HOME, Decimal(100))


def usage(
    tenant: str = "acme",
    data: int | None = 0,
    backups: int | None = 0,
    requests: int | None = 0,
    isolation: str = "database",
) -> Usage:
    return Usage(tenant, isolation, "first", data, backups, requests)


def own_prices() -> Any:
    return json.loads(files("tenantry.reports.cost").joinpath("aws.json").read_text("utf-8"))


def test_every_line_is_quantity_times_price() -> None:
    cost = charge(usage(data=10 * GIB, backups=5 * GIB, requests=2_000_000), PLACE, Decimal(25), PRICES, HOME)
    assert cost.lines == {
        "storage": Decimal("1.0000"),
        "server_share": Decimal("25.0000"),
        "secret": Decimal("0.8000"),
        # 42 calls and one in five minutes of a month.
        "secret_calls": Decimal("0.0434"),
        "api_requests": Decimal("7.0000"),
        # Two million invocations, and a hundred thousand GB-seconds.
        "lambda": Decimal("2.4000"),
        "backups": Decimal("0.1000"),
    }
    assert cost.total == Decimal("36.3434")
    assert cost.notes == ()


@pytest.mark.parametrize(("isolation", "price"), [("database", "0.8000"), ("schema", "0.8000"), ("pooled", "0.4000")])
def test_who_has_logins_for_backups_has_two_secrets(isolation: str, price: str) -> None:
    assert charge(usage(isolation=isolation), PLACE, Decimal(0), PRICES, HOME).lines["secret"] == Decimal(price)


def test_a_tenant_that_does_nothing_costs_its_secrets() -> None:
    cost = charge(usage(), PLACE, Decimal(0), PRICES, HOME)
    assert {name for name, amount in cost.lines.items() if amount} == {"secret", "secret_calls"}
    assert cost.total == Decimal("0.8002")


def test_a_server_is_shared_half_equally_and_half_by_size() -> None:
    shares = share_server(PLACE, [usage("small", GIB), usage("large", 3 * GIB)])
    assert shares == {"small": Decimal("37.5"), "large": Decimal("62.5")}
    assert share_server(PLACE, [usage("a"), usage("b", None)]) == {"a": Decimal(50), "b": Decimal(50)}
    assert share_server(ServerShare("first", HOME, None), [usage("a", 5)]) == {"a": Decimal(0)}
    assert share_server(PLACE, []) == {}


def test_shares_that_do_not_divide_are_rounded_in_the_end_only() -> None:
    usages = [usage(name, 1) for name in ("a", "b", "c")]
    shares = share_server(PLACE, usages)
    costs = [charge(one, PLACE, shares[one.tenant], PRICES, HOME) for one in usages]
    assert [cost.lines["server_share"] for cost in costs] == [Decimal("33.3333")] * 3


def test_what_is_missing_is_said() -> None:
    unknown = charge(
        usage(data=None, backups=None, requests=None), ServerShare("first", HOME, None), Decimal(0), PRICES, HOME
    )
    assert unknown.notes == ("size_unknown", "backups_unknown", "requests_unknown", "server_price_unknown")


def test_a_region_without_prices_is_charged_like_the_fallback_and_says_so() -> None:
    elsewhere = ServerShare("first", "eu-north-1", Decimal(1))
    cost = charge(usage(data=GIB), elsewhere, Decimal(1), PRICES, HOME)
    assert cost.lines["storage"] == Decimal("0.1000")
    assert cost.notes == (f"prices_of_{HOME}",)


def test_totals_are_the_sums_of_what_is_shown() -> None:
    costs = [
        TenantCost(usage("a"), {"storage": Decimal("1.0001"), "secret": Decimal("0.4000")}),
        TenantCost(usage("b", isolation="pooled"), {"storage": Decimal("2.0002"), "secret": Decimal("0.4000")}),
    ]
    shown = CostReport("2026-01-01T00:00:00+00:00", 1.0, PRICES, [PLACE], costs).to_json()
    assert shown["total"] == "3.8003"
    assert shown["isolation"] == {"database": "1.4001", "pooled": "2.4002"}
    assert [server["total"] for server in shown["servers"]] == ["3.8003"]
    assert [(tenant["tenant"], tenant["server"]) for tenant in shown["tenants"]] == [("b", "first"), ("a", "first")]
    assert json.loads(json.dumps(shown)) == shown
    assert shown["retention"] == {"mode": "ENABLED", "note": None}


@pytest.mark.parametrize("mode", ["DRY_RUN", "DISABLED"])
def test_that_no_backup_is_ever_deleted_is_told(mode: str) -> None:
    shown = CostReport("2026-01-01T00:00:00+00:00", 1.0, PRICES, [PLACE], [], retention_mode=mode).to_json()
    assert shown["retention"]["mode"] == mode
    assert "no backup is ever deleted" in shown["retention"]["note"]


def test_the_prices_that_come_with_the_project_are_complete() -> None:
    prices = parse_prices(own_prices())
    assert {HOME, OTHER} <= prices.regions.keys()
    assert prices.of(OTHER)[0].secret == Decimal("0.40")
    assert prices.of("eu-north-1")[1] == prices.fallback_region
    assert all(source.startswith("https://aws.amazon.com/") for source in prices.sources.values())


@pytest.mark.parametrize(
    "path",
    [("date",), ("regions", HOME, "secret"), ("sources", "secret"), ("fallback_region",), ("regions",)],
)
def test_a_price_file_that_lacks_something_is_refused(path: tuple[str, ...]) -> None:
    content = own_prices()
    *parents, last = path
    place = content
    for parent in parents:
        place = place[parent]
    del place[last]
    with pytest.raises(InvalidSetting):
        parse_prices(content)


@pytest.mark.parametrize("price", ["free", "-1", "NaN", "Infinity", None, [], {}])
def test_what_is_no_price_is_refused(price: Any) -> None:
    content = deepcopy(own_prices())
    content["regions"][HOME]["secret"] = price
    with pytest.raises(InvalidSetting):
        parse_prices(content)


@pytest.mark.parametrize("content", [None, [], {}, "text", {"regions": []}])
def test_what_is_no_price_file_is_refused(content: Any) -> None:
    with pytest.raises(InvalidSetting):
        parse_prices(content)
