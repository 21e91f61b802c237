"""A rotation under load makes no request fail."""

import threading
import time
from collections import Counter
from typing import Self

import pytest

from tenantry.domain.tenant import TenantId
from tests.integration.access.rotation.conftest import STEPS, Rotating, forget


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
