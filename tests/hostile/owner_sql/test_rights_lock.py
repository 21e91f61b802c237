"""A tenant that keeps its own database's rights locked stops nobody else's work on the server."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from local.processes import wait_until
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Home, Isolation, TenantId, new_home, owner_role
from tenantry.homes.copy_login import copy_login
from tenantry.homes.exposure import Exposure
from tenantry.servers.servers import open_admin
from tests.integration.conftest import World
from tests.integration.relocation.conftest import superuser

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '{tenant}'"


@contextmanager
def rights_held(world: World, tenant_id: TenantId) -> Iterator[None]:
    """The owner has given a right to its database, and neither commits nor rolls back."""
    with closing(world.admin(tenant_id.value)) as session, session.cursor() as cursor:
        cursor.execute(f'SET ROLE "{owner_role(tenant_id)}"; BEGIN')
        cursor.execute(f'GRANT CONNECT ON DATABASE "{tenant_id}" TO "{tenant_id}_viewer"')
        yield
        cursor.execute("ROLLBACK")


def test_an_uncommitted_grant_keeps_no_neighbour_waiting(world: World) -> None:
    """Leaves a GRANT on its database open while that is worked on: a neighbour's is worked on within seconds."""
    first, second = world.tenants
    connect = open_admin(superuser(world.server))._connect

    def work_on(tenant_id: TenantId) -> float:
        began = time.monotonic()
        with copy_login(connect, tenant_id, tenant_id.value):
            return time.monotonic() - began

    with ThreadPoolExecutor(1) as pool:
        with rights_held(world, first):
            stopped = pool.submit(work_on, first)
            waiting = WAITING.replace("{tenant}", first.value)
            assert wait_until(lambda: world.execute(waiting) != [(0,)] or stopped.done(), within=20)
            # PostgreSQL's own limit of a statement is twenty seconds.
            assert work_on(second) < 5
        try:
            stopped.result(timeout=60)
        except TenantryError as error:
            # It gave way, and is tried again by whoever asked.
            assert error.code in {"55P03", "database_busy"}  # noqa: PT017
    work_on(first)


@pytest.mark.parametrize(
    "entry",
    [
        'ALTER DEFAULT PRIVILEGES FOR ROLE "{t}_owner" IN SCHEMA api GRANT SELECT ON TABLES TO "{t}_viewer"',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "{t}_owner" IN SCHEMA api GRANT USAGE ON SEQUENCES TO "{t}_editor"',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "{t}_owner" IN SCHEMA api GRANT SELECT ON TABLES TO "{t}_owner"',
    ],
)
def test_a_default_right_that_is_committed_beside_an_exposure_is_no_duplicate(world: World, entry: str) -> None:
    """Leaves the entry of the catalogue uncommitted that an exposure makes, and commits it then: it is exposed."""
    tenant_id = world.add_tenant(1)
    world.execute("CREATE SCHEMA api", tenant_id.value, owner_role(tenant_id))
    exposure = Exposure(open_admin(superuser(world.server))._connect, tenant_id, own_home(tenant_id))
    with closing(world.admin(tenant_id.value)) as session, session.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute(f'SET ROLE "{owner_role(tenant_id)}"; BEGIN')
        cursor.execute(entry.format(t=tenant_id))
        waits = f"SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = '{tenant_id}'"
        exposed = pool.submit(exposure.change, {"api"}, set())
        assert wait_until(lambda: bool(world.execute(waits)) or exposed.done(), within=20)
        cursor.execute("COMMIT")
        exposed.result(timeout=60)
    reached = f"SELECT has_schema_privilege('{tenant_id}_viewer', 'api', 'USAGE')"
    assert world.execute(reached, tenant_id.value) == [(True,)]


def own_home(tenant_id: TenantId) -> Home:
    return new_home(tenant_id, "local", Isolation.DATABASE)
