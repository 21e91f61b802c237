import pytest

from tenantry.domain.limits import PLANS, LimitChange
from tenantry.domain.quota import BY_PLAN, is_nearly_full, is_over, quota_of
from tenantry.domain.tenant import Isolation, Limits, Tenant, TenantId, TenantStatus


def test_each_plan_gives_more_than_the_one_before() -> None:
    sizes = [quota_of(Limits(plan=plan)) for plan in PLANS]
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 1 << 30


def test_a_tenants_own_limit_counts_before_its_plans() -> None:
    assert quota_of(Limits(plan="free", max_bytes=5)) == 5
    assert quota_of(Limits(plan="free", max_bytes=0)) == 0


@pytest.mark.parametrize(
    ("size", "was_over", "expected"),
    [(1000, False, False), (1001, False, True), (1000, True, True), (950, True, True), (949, True, False)],
)
def test_who_was_over_has_to_come_below_95_percent(size: int, was_over: bool, expected: bool) -> None:
    assert is_over(size, 1000, was_over=was_over) is expected


def test_without_a_quota_nobody_is_over_or_near() -> None:
    assert not is_over(1 << 60, 0, was_over=True)
    assert not is_nearly_full(1 << 60, 0)


@pytest.mark.parametrize(("size", "expected"), [(899, False), (900, True), (2000, True)])
def test_from_90_percent_on_it_is_nearly_full(size: int, expected: bool) -> None:
    assert is_nearly_full(size, 1000) is expected


def test_another_quota_lets_a_tenant_write_until_it_is_measured() -> None:
    limits = Limits(max_bytes=1000)
    full = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.DATABASE, "s1", limits=limits, over_quota=True)
    assert not LimitChange(max_bytes=2000).apply(full).over_quota
    assert not LimitChange(max_bytes=BY_PLAN).apply(full).over_quota
    assert LimitChange(connections=3, plan="premium").apply(full).over_quota
