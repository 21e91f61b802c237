"""A worker that is killed in the middle of a copy leaves nothing that disturbs the next one."""

import os
import signal
import warnings
from contextlib import closing

import pytest

from local.processes import wait_until
from tenantry.domain.tenant import Isolation
from tests.integration.relocation.conftest import ROWS, Cut, Yard, dying_after

MANY = """
INSERT INTO candidates (name, job_role, email, location)
SELECT 'Person ' || n, 'Engineer', n || '@many.example.com', repeat(md5(n::text), 10) FROM generate_series(1, 60000) n
"""
COPYING = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tenantry-copy' AND query LIKE 'COPY%'"


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_a_killed_worker_is_followed_by_one_that_finishes(yard: Yard, isolation: Isolation) -> None:
    tenant_id = yard.add(isolation)
    yard.run_as(tenant_id, MANY)
    before = yard.run_as(tenant_id, ROWS)
    operation = yard.relocations.move(tenant_id, "there", "op-1")
    with pytest.raises(Cut):
        # What the child writes down stays with it: here it is known that the target was made.
        yard.perform(operation, dying_after("fence"))
    with warnings.catch_warnings():
        # The child does nothing with the threads that it has not got.
        warnings.simplefilter("ignore", DeprecationWarning)
        worker = os.fork()
    if worker == 0:
        try:
            yard.perform(operation)
        finally:
            os._exit(0)
    with closing(yard.postgres["there"].connect()) as watcher, watcher.cursor() as cursor:
        watcher.autocommit = True

        def copies() -> bool:
            cursor.execute(COPYING)
            return cursor.fetchone() is not None

        assert wait_until(copies, within=20)
    os.kill(worker, signal.SIGKILL)
    assert os.waitpid(worker, 0)[1] == signal.SIGKILL
    # Its programs go on without it, for a while: what they write must not get into the next copy.
    assert yard.tenant(tenant_id).relocation == operation.operation_id
    yard.perform_well(operation)
    assert yard.run_as(tenant_id, ROWS) == before
    yard.perform_well(yard.relocations.confirm(tenant_id, "op-1"))
    assert yard.traces(tenant_id)["here"] == []
    assert [name for name in yard.traces(tenant_id)["there"] if "copy" in name or "fence" in name] == []
