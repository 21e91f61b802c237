"""Operations: an operator's work that takes longer than a request may, in named, repeatable steps."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tenantry.domain.tenant import TenantId

# The `error` of an operation that was cancelled, or that another one took the place of: it is over.
UNDONE = "undone"

# The fact of an operation whose steps mark the roles that they make. One that an older version began may have made some
# without a mark.
MARKED = "marked"

# The fact of an operation that waits: until this time it can be undone.
UNDO_UNTIL = "undo_until"


class OperationStatus(StrEnum):
    """The status of an operation."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `done` are its finished steps; `facts` are their results, as JSON values.

    To finish an operation that failed or whose worker died, start it again: finished steps are not repeated.
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
