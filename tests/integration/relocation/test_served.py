"""A tenant is served during a move: reads go on, writes pause, and no acknowledged write is lost."""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, Self

import pytest

from tenantry.domain.tenant import Isolation, TenantId
from tenantry.operations.operations import Step
from tests.integration.relocation.conftest import Yard

WAYS = [
    (Isolation.DATABASE, Isolation.DATABASE),
    (Isolation.SCHEMA, Isolation.DATABASE),
    (Isolation.POOLED, Isolation.SCHEMA),
]


class Load:
    """A client that writes all the time and reads after each write, through the real handler."""

    def __init__(self, yard: Yard, tenant_id: TenantId) -> None:
        self.yard, self.tenant_id = yard, tenant_id
        self.acknowledged: list[str] = []
        self.writes: Counter[tuple[int, str]] = Counter()
        self.reads: Counter[tuple[int, str]] = Counter()
        self.went_back: list[str] = []
        self.step = ""
        self.refused_in: set[str] = set()
        self._stop = threading.Event()
        self._progress = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def await_more(self, count: int) -> None:
        for _ in range(count):
            assert self._progress.acquire(timeout=20)

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            email = f"written-{number}"
            row = {"name": "Written", "job_role": "x", "email": email}
            reply = self.yard.world.call(self.tenant_id, "POST", body=row)
            self.writes[reply.status, reply.json["code"] if reply.status >= 300 else ""] += 1
            if reply.status == 503 and reply.json["code"] == "tenant_moving":
                assert reply.headers["Retry-After"] == "5"
            if reply.status == 201:
                self.acknowledged.append(email)
            self._read()
            self._progress.release()

    def _read(self) -> None:
        last = self.acknowledged[-1] if self.acknowledged else "1@example.com"
        step = self.step
        reply = self.yard.world.call(self.tenant_id, select="email", email=f"eq.{last}")
        if reply.status != 200:
            self.refused_in |= {step, self.step}
        self.reads[reply.status, reply.json["code"] if reply.status != 200 else ""] += 1
        if reply.status == 200 and reply.json != [{"email": last}]:
            self.went_back.append(last)


@pytest.fixture
def load(yard: Yard, request: pytest.FixtureRequest) -> Iterator[Load]:
    tenant_id = yard.add(request.param)
    with Load(yard, tenant_id) as made:
        yield made


@pytest.mark.parametrize(("load", "isolation"), WAYS, indirect=["load"], ids=str)
def test_no_acknowledged_write_is_lost_and_no_read_goes_back(yard: Yard, load: Load, isolation: Isolation) -> None:
    tenant_id = load.tenant_id
    load.await_more(20)
    if yard.tenant(tenant_id).isolation is isolation:
        operation = yard.relocations.move(tenant_id, "there", "op-1")
    else:
        operation = yard.relocations.promote(tenant_id, isolation, "op-1")

    def wrap(step: Step) -> Step:
        def run(operation: Any) -> Any:
            load.step = step.name
            found = step.run(operation)
            load.await_more(5)
            return found

        return step._replace(run=run)

    yard.perform(operation, wrap)
    load.await_more(20)
    load.__exit__()
    kept = {email for (email,) in yard.run_as(tenant_id, "SELECT email FROM candidates")}
    assert set(load.acknowledged) <= kept
    assert len(load.acknowledged) > 30
    assert load.went_back == []
    # A write that was under way when the fence came down may have been made or not: who sent it is told so.
    assert load.writes.keys() <= {(201, ""), (503, "tenant_moving"), (503, "08007")}
    assert load.writes[503, "tenant_moving"] >= 10
    assert load.reads.keys() <= {(200, ""), (503, "tenant_moving")}
    assert load.refused_in <= {"switch"}
