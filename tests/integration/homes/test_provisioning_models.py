"""In every isolation model, a call that was cut off anywhere is finished by the next call."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

from tenantry.database.connecting import ConnectSettings, connect
from tenantry.domain.errors import Conflict, DependencyFailed, TenantryError
from tenantry.domain.tenant import Isolation, TenantId, TenantStatus
from tests.integration.conftest import World
from tests.integration.homes.conftest import MODELS, candidate, home, provision
from tests.postgres import with_cursors

# More statements than any model needs: the fault never comes, and the test has seen every statement.
_MOST = 150


class Faults:
    """Connects as the administrator, and injects a fault before the statement of that number."""

    def __init__(self, world: World, at: int, happens: Callable[["Faults", Any], None]) -> None:
        self.world, self.left, self.happens, self.has_happened = world, at, happens, False

    def __call__(self, database: str) -> Any:
        faults = self

        class Cursor(psycopg2.extensions.cursor):
            def execute(self, *arguments: Any, **more: Any) -> Any:
                faults.count(self.connection)
                return super().execute(*arguments, **more)

        return with_cursors(self.world.admin(database), Cursor)

    def count(self, connection: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.has_happened = True
            self.happens(self, connection)


def fail(_: Faults, connection: Any) -> None:
    raise DependencyFailed(code="cut")


def kill_the_session(faults: Faults, connection: Any) -> None:
    faults.world.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")


@pytest.mark.parametrize("model", MODELS)
def test_what_a_call_left_that_was_cut_at_any_statement_can_be_dropped(
    world: World, tenant_id: TenantId, model: Isolation
) -> None:
    cut, cut_later = 0, False
    for at in range(1, _MOST):
        faults = Faults(world, at, fail)
        try:
            provision(world, tenant_id, model, faults)
        except TenantryError:
            assert faults.has_happened
            cut += 1
            tenant = world.registry.tenant(tenant_id)
            if tenant is None:
                # Cut while it looked whether the names are free, before anything was changed.
                assert not cut_later
                continue
            cut_later = True
            assert tenant.status is TenantStatus.PROVISIONING
            home(world, tenant_id).drop()
        except Exception as error:
            raise AssertionError(f"statement {at}") from error
        else:
            break
    assert not faults.has_happened
    assert cut > 10
    connect(provision(world, tenant_id), ConnectSettings()).close()
    assert world.call(tenant_id, "POST", body=candidate("Ada")).status == 201


@pytest.mark.parametrize("model", MODELS)
def test_a_call_whose_session_broke_at_any_statement_is_gone_on_with(
    world: World, tenant_id: TenantId, model: Isolation
) -> None:
    """Nothing is dropped in between: each call gets one statement further than the one before it."""
    for at in range(1, _MOST):
        faults = Faults(world, at, kill_the_session)
        try:
            credentials = provision(world, tenant_id, model, faults)
        except TenantryError:
            assert faults.has_happened
            continue
        break
    assert not faults.has_happened
    connect(credentials, ConnectSettings()).close()
    assert world.call(tenant_id, "POST", body=candidate("Ada")).status == 201


DYING = """
import os, sys
import psycopg2, psycopg2.extensions
from tenantry.servers.server_admin import ServerAdmin
from tenantry.domain.tenant import Isolation, TenantId, new_home

host, port, user, password, tenant, model, at = sys.argv[1:]
left = int(at)

class Cursor(psycopg2.extensions.cursor):
    def execute(self, *arguments):
        global left
        left -= 1
        if left == 0:
            os._exit(7)
        return super().execute(*arguments)

def connect(database):
    connection = psycopg2.connect(
        host=host, port=port, user=user, password=password, dbname=database, cursor_factory=Cursor
    )
    connection.autocommit = True
    return connection

admin, tenant_id = ServerAdmin(connect), TenantId(tenant)
admin.make_roles(tenant_id, tenant + "_login_a", "of a process that died", 5)
admin.home(tenant_id, new_home(tenant_id, "local", Isolation(model))).make()
"""


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("at", [17, 21, 25])
def test_a_process_that_died_is_followed_by_another(
    world: World, tenant_id: TenantId, model: Isolation, at: int
) -> None:
    server = world.server
    login = [server.host, str(server.port), server.admin_user, server.admin_password]
    died = subprocess.run(
        [sys.executable, "-c", DYING, *login, tenant_id.value, model.value, str(at)],
        env={**os.environ, "PYTHONPATH": "functions"},
        check=False,
        timeout=60,
    )
    assert died.returncode == 7
    connect(provision(world, tenant_id, model), ConnectSettings()).close()
    assert world.call(tenant_id, "POST", body=candidate("Ada")).status == 201


@pytest.mark.parametrize("model", MODELS)
def test_repeating_changes_nothing(world: World, tenant_id: TenantId, model: Isolation) -> None:
    first = provision(world, tenant_id, model)
    assert world.call(tenant_id, "POST", body=candidate("Ada")).status == 201
    assert provision(world, tenant_id, model) == provision(world, tenant_id) == first
    assert [row["name"] for row in world.call(tenant_id).json] == ["Ada"]


def test_another_model_than_it_has_is_refused(world: World, tenant_id: TenantId) -> None:
    provision(world, tenant_id, Isolation.SCHEMA)
    before = world.registry.tenant(tenant_id)
    for model in (Isolation.DATABASE, Isolation.POOLED):
        with pytest.raises(Conflict) as refusal:
            provision(world, tenant_id, model)
        assert refusal.value.code == "other_isolation"
    assert world.registry.tenant(tenant_id) == before


@pytest.mark.parametrize("model", MODELS)
def test_a_login_keeps_its_connection_limit(world: World, tenant_id: TenantId, model: Isolation) -> None:
    credentials = provision(world, tenant_id, model, limit=1)
    connect(credentials, ConnectSettings()).close()
    login = {"user": credentials.username, "password": credentials.password}
    deadline = time.monotonic() + 5
    while True:  # The session before this one counts until the server has cleared it away.
        try:
            held = world.server.connect(credentials.dbname, **login)
            break
        except psycopg2.OperationalError:
            assert time.monotonic() < deadline
    with closing(held), pytest.raises(psycopg2.OperationalError):
        world.server.connect(credentials.dbname, **login)
