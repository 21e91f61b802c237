"""A tenant that keeps its own database's rights locked stops nobody else's work on the server."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from local.processes import wait_until
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import TenantId, owner_role
from tenantry.homes.copy_login import copy_login
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
