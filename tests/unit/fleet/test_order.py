"""Slips in the order of a run: none of them means everybody, or a deletion."""

from typing import Any

import pytest

from tenantry.domain.errors import BadRequest, TenantUnknown
from tenantry.domain.tenant import Isolation, Tenant, TenantId, TenantStatus
from tenantry.fleet.order import check_order, require_known

ACME = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.DATABASE, "db-1")


@pytest.mark.parametrize(
    "order",
    [
        None,
        {},
        {"trigger": "manual", "dry_run": True},
        {"trigger": "manual", "dry_run": False, "tenants": ["acme"]},
        {"trigger": "schedule", "scheduled_at": "<aws.scheduler.scheduled-time>", "execution_id": "e"},
    ],
)
def test_an_order_that_says_what_it_means_is_taken(order: Any) -> None:
    check_order(order, "dry_run")


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ([], "a JSON object"),
        ("dry_run", "a JSON object"),
        ({"dry_run": "true"}, "without quotes"),
        ({"dry_run": 1}, "without quotes"),
        ({"dry_run": None}, "without quotes"),
        ({"dryRun": True}, "no other fields than dry_run, execution_id"),
        ({"dry_run": True, "tenant": "acme"}, "no other fields"),
        ({"all": True}, "no other fields"),
        ({"tenants": "acme"}, "a list of ids"),
        ({"tenants": []}, "a list of ids"),
        ({"tenants": None}, "a list of ids"),
        ({"tenants": {"acme": True}}, "a list of ids"),
        ({"scheduled_at": 5}, "`scheduled_at` is a text"),
        ({"execution_id": ["e"]}, "`execution_id` is a text"),
    ],
)
def test_a_slip_is_refused_and_says_what_is_wrong(order: Any, told: str) -> None:
    with pytest.raises(BadRequest, match="Nothing was started") as refused:
        check_order(order, "dry_run")
    assert refused.value.code == "invalid_order"
    assert told in refused.value.message


@pytest.mark.parametrize("name", [7, "", "../acme", "acme\n", "x" * 31, None])
def test_what_is_no_id_is_refused_and_not_repeated(name: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        check_order({"tenants": ["acme", name]}, "all")
    assert refused.value.code == "invalid_tenant_id"


def test_ids_of_nobody_are_named() -> None:
    assert require_known(frozenset(), iter([ACME])) == [ACME]
    assert require_known(frozenset({"acme"}), [ACME]) == [ACME]
    with pytest.raises(TenantUnknown, match=r"no tenant acmee, beta\."):
        require_known(frozenset({"acme", "beta", "acmee"}), [ACME])
