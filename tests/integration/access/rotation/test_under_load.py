"""A rotation under load makes no request fail."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Self

import pytest

from handlers import query_tenant
from local.postgres_server import PostgresServer
from tenantry.domain.errors import Conflict
from tenantry.domain.pooler import Pooler
from tenantry.domain.tenant import TenantId
from tests.integration.access.rotation.conftest import STEPS, Rotating, forget
from tests.pooler import PgBouncer, temporary_pooler


class Load:
    """Sends requests of the data API, one after another, until it is stopped."""

    def __init__(self, rotating: Rotating, tenant: TenantId) -> None:
        self.statuses: Counter[int] = Counter()
        self._rotating = rotating
        self._tenant = tenant
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.statuses[self._rotating.call(self._tenant).status] += 1
            self.statuses[self._rotating.call(self._tenant, "POST", body={"name": "under load"}).status] += 1

    def await_more(self, requests: int) -> None:
        """Wait for so many more requests, so that each step is met by some."""
        wanted, deadline = self.statuses.total() + requests, time.monotonic() + 30
        while self.statuses.total() < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.005)


@pytest.mark.parametrize("connection_age", ["900", "0"])
def test_under_load_five_rotations_cost_no_request(
    rotating: Rotating, tenant: TenantId, monkeypatch: pytest.MonkeyPatch, connection_age: str
) -> None:
    """With a connection age of 0, each request logs in again, with cached credentials from before the rotation."""
    monkeypatch.setenv("CONNECTION_AGE_SECONDS", connection_age)
    forget()
    with Load(rotating, tenant) as load:
        load.await_more(10)
        for _ in range(5):
            token = rotating.begin(tenant)
            for step in STEPS:
                rotating.step(tenant, token, step)
                load.await_more(10)
    assert load.statuses.keys() == {200, 201}
    assert load.statuses.total() > 200


@pytest.fixture
def pooler(postgres: PostgresServer, rotating: Rotating) -> Iterator[PgBouncer]:
    """A pooler that the tenant's server has from now on; no secret names it yet."""
    before = rotating.registry.server("local")
    assert before
    with temporary_pooler(postgres) as made:
        rotating.registry.put_server(replace(before, pooler=made.pooler))
        yield made
        rotating.registry.put_server(before)


def test_under_load_rotations_behind_a_pooler_cost_no_request(
    rotating: Rotating, tenant: TenantId, pooler: PgBouncer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first takes the tenant behind the pooler. None ends before the pooler knows the login that it leads to."""
    monkeypatch.setenv("CONNECTION_AGE_SECONDS", "0")
    forget()
    with Load(rotating, tenant) as load:
        for _ in range(2):
            token, before = rotating.begin(tenant), rotating.current(tenant)
            for step in ("createSecret", "setSecret"):
                rotating.step(tenant, token, step)
                load.await_more(10)
            for step in ("testSecret", "finishSecret"):
                with pytest.raises(Conflict) as refused:
                    rotating.step(tenant, token, step)
                assert refused.value.code == "pooler_login_refused"
                load.await_more(10)
            assert rotating.current(tenant) == before
            pooler.write_users()
            for step in STEPS:
                rotating.step(tenant, token, step)
                load.await_more(10)
            assert rotating.current(tenant).pooler == pooler.pooler
    assert load.statuses.keys() == {200, 201}
    forget()
    assert rotating.call(tenant).status == 200
    assert query_tenant._data_requests()._connections._connections[tenant].is_pooled


def test_a_rotation_takes_a_tenant_past_a_pooler_that_is_gone(rotating: Rotating, tenant: TenantId) -> None:
    """The server's registration names none any more."""
    rotating.secrets.write(tenant, replace(rotating.current(tenant), pooler=Pooler(1)))
    assert rotating.rotate(tenant).pooler is None
    assert rotating.call(tenant).status == 200
