"""What a restore has to do, as its operation's facts say."""

import time

from tenantry.domain.operation import Operation, tenant_of
from tenantry.domain.restore import RestoreWork, work_of
from tenantry.restores.swap_own import Swap


def work_for(operation: Operation) -> RestoreWork:
    """Read an operation's restore work from its facts."""
    return work_of(operation.operation_id, tenant_of(operation), operation.facts)


def swap_of(operation: Operation) -> Swap:
    """Read an operation's swap from its facts."""
    work = work_for(operation)
    tables = tuple(operation.facts.get("wanted", ()))
    return Swap(
        work.tenant_id,
        work.home,
        work.staging,
        work.kept,
        operation.facts["has_home"],
        tables,
        is_carried="carry" in operation.done,
    )


def milliseconds(began: float) -> int:
    """Return the milliseconds since `began`, a `time.monotonic()`."""
    return round((time.monotonic() - began) * 1000)
