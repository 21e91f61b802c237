"""Tenants of all three models that take up too much of a real server, and their neighbours there."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from local.postgres_server import PostgresServer
from tenantry.aws.clients import aws_client
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.limits import LimitChange
from tenantry.domain.patience import Patience
from tenantry.domain.quota import quota_of
from tenantry.domain.tenant import Isolation, Tenant, TenantId
from tenantry.servers.quota_watch import QuotaReport, QuotaWatch
from tenantry.servers.servers import Servers
from tenantry.servers.tenant_sizes import measure
from tests.integration.conftest import REGION, STAGE, World
from tests.integration.relocation.conftest import Yard, second_postgres, servers_of_the_module

__all__ = ["second_postgres", "servers_of_the_module"]


class Clock:
    """Moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def yard(servers_of_the_module: tuple[World, PostgresServer]) -> Iterator[Yard]:
    made = Yard(*servers_of_the_module)
    try:
        yield made
    finally:
        made.drop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(yard: Yard, clock: Clock) -> QuotaWatch:
    # As watch_sessions does: who only looks waits for nobody's locks, and ends nobody.
    administrators = ServerSecrets(aws_client("secretsmanager", REGION), STAGE)
    return QuotaWatch(yard.world.registry, Servers(yard.world.registry, administrators, Patience(0)), clock)


def look(watch: QuotaWatch, clock: Clock) -> QuotaReport:
    clock.now += 1000
    return watch.run()


def limit(yard: Yard, tenant_id: TenantId, max_bytes: int) -> None:
    yard.world.registry.put_tenant(LimitChange(max_bytes=max_bytes).apply(yard.tenant(tenant_id)))


def size_of(yard: Yard, tenant: Tenant) -> int:
    ((_, size),) = measure(yard.servers.connector(tenant.server_id), [tenant])
    assert isinstance(size, int), size.code
    return size


@pytest.mark.parametrize("model", Isolation)
def test_who_is_over_is_marked_and_nobody_else(yard: Yard, watch: QuotaWatch, clock: Clock, model: Isolation) -> None:
    full, neighbour = yard.add(model), yard.add(model)
    size = size_of(yard, yard.tenant(full))
    limit(yard, full, size - 1)
    limit(yard, neighbour, size * 2)
    report = look(watch, clock)
    assert [(use.tenant_id, use.server_id, use.max_bytes) for use in report.over] == [(full.value, "here", size - 1)]
    assert report.near == []
    assert (yard.tenant(full).over_quota, yard.tenant(neighbour).over_quota) == (True, False)


@pytest.mark.parametrize("model", Isolation)
def test_from_90_percent_on_it_is_told(yard: Yard, watch: QuotaWatch, clock: Clock, model: Isolation) -> None:
    tenant_id = yard.add(model)
    limit(yard, tenant_id, size_of(yard, yard.tenant(tenant_id)) * 100 // 95)
    assert [use.tenant_id for use in look(watch, clock).near] == [tenant_id.value]
    assert not yard.tenant(tenant_id).over_quota


def test_with_more_or_without_a_limit_it_is_free_again(yard: Yard, watch: QuotaWatch, clock: Clock) -> None:
    tenant_id = yard.add()
    limit(yard, tenant_id, 1000)
    for enough in (1 << 40, 0):
        yard.world.registry.put_tenant(replace(yard.tenant(tenant_id), over_quota=True))
        # The mark that an operator's change removes may come back with a writer that had read it before.
        limits = replace(yard.tenant(tenant_id).limits, max_bytes=enough)
        yard.world.registry.put_tenant(replace(yard.tenant(tenant_id), limits=limits))
        assert yard.tenant(tenant_id).over_quota
        look(watch, clock)
        assert not yard.tenant(tenant_id).over_quota


def test_what_is_deleted_from_shared_tables_counts_no_more_for_anybody(
    yard: Yard, watch: QuotaWatch, clock: Clock
) -> None:
    full, neighbour = yard.add(Isolation.POOLED), yard.add(Isolation.POOLED)
    before = size_of(yard, yard.tenant(neighbour))
    grow = "INSERT INTO candidates (name, job_role, email) SELECT repeat(md5(n::text), 30), 'x', n || '@big'"
    yard.run_as(full, f"{grow} FROM generate_series(1, 3000) n")
    grown = size_of(yard, yard.tenant(full))
    assert grown > 3000 * 960
    limit(yard, full, grown // 2)
    look(watch, clock)
    assert yard.tenant(full).over_quota
    yard.run_as(full, "DELETE FROM candidates WHERE email LIKE '%@big'")
    look(watch, clock)
    assert not yard.tenant(full).over_quota
    assert size_of(yard, yard.tenant(neighbour)) == before


def test_a_sample_of_a_large_table_tells_about_as_much(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant_id = yard.add(Isolation.POOLED)
    grow = "INSERT INTO candidates (name, job_role, email) SELECT repeat(md5(n::text), 30), 'x', n || '@big'"
    yard.run_as(tenant_id, f"{grow} FROM generate_series(1, 5000) n")
    exact = size_of(yard, yard.tenant(tenant_id))
    monkeypatch.setattr("tenantry.servers.tenant_sizes._SAMPLE_BYTES", 2 << 20)
    assert size_of(yard, yard.tenant(tenant_id)) == pytest.approx(exact, rel=0.25)


def test_a_tenant_that_locks_its_table_hides_only_its_own_size(yard: Yard, watch: QuotaWatch, clock: Clock) -> None:
    locks, neighbour = yard.add(Isolation.SCHEMA), yard.add(Isolation.SCHEMA)
    limit(yard, neighbour, 1000)
    connection = yard.connect(locks)
    try:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{locks}_owner"; LOCK TABLE "{locks}".candidates IN ACCESS EXCLUSIVE MODE')
            report = look(watch, clock)
    finally:
        connection.close()
    assert report.unmeasured[locks.value] == "database_busy"
    assert [use.tenant_id for use in report.over] == [neighbour.value]


def test_between_two_rounds_nothing_is_done_and_what_time_did_not_allow_comes_first(yard: Yard, clock: Clock) -> None:
    tenants = {yard.add(), yard.add(), yard.add(Isolation.SCHEMA)}

    class Slow(Clock):
        """Each look at it takes longer than a call may."""

        def __call__(self) -> float:
            self.now += 8
            return self.now

    slow = QuotaWatch(yard.world.registry, yard.servers, Slow())
    seen = [slow.run().measured for _ in range(6)]
    assert sum(seen) == len(tenants)
    assert max(seen) < len(tenants)
    watch = QuotaWatch(yard.world.registry, yard.servers, clock)
    assert watch.run().measured == len(tenants)
    clock.now += 899
    assert watch.run().measured == 0
    clock.now += 1
    assert watch.run().measured == len(tenants)


def test_a_new_tenant_has_its_plans_quota(yard: Yard) -> None:
    assert quota_of(yard.tenant(yard.add()).limits) == 50 << 30
