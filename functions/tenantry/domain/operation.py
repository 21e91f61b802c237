"""Work of an operator's that takes longer than a request may: named steps, each of which may be repeated."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tenantry.domain.tenant import TenantId


class OperationStatus(StrEnum):
    """How far it is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Operation:
    """One piece of work. `done` are the steps that have ended; `facts` is what they found, as JSON values.

    A failed one, or one whose worker died, is finished by starting it again: steps that are done are not repeated.
    """

    operation_id: str
    kind: str
    target: str
    requested_by: str
    requested_at: datetime
    status: OperationStatus = OperationStatus.RUNNING
    done: tuple[str, ...] = ()
    error: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def tenant_of(operation: Operation) -> TenantId:
    """Name the tenant that an operation is about."""
    return TenantId(operation.target.removeprefix("tenant/"))
