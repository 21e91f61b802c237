"""Which operations may be forgotten once their time to live is over: none that a later call would still look for."""

from datetime import datetime, timedelta
from typing import Final

from tenantry.domain.operation import UNDONE, Operation, OperationStatus
from tenantry.domain.operation_kinds import CONFIRM, ERASE, MOVE, PROMOTE, RESTORE, UNDO_RESTORE

# An undo reads what these have written down of where the tenant came from, however long ago that was.
LEAD_BACK: Final = frozenset({MOVE, PROMOTE, RESTORE, UNDO_RESTORE})
# After one of these there is nothing to go back to.
NO_WAY_BACK: Final = frozenset({CONFIRM, ERASE})


def is_over(status: OperationStatus, error: str | None) -> bool:
    """Tell whether an operation is over for good: one that has failed is resumed by the same call, and is not."""
    return status is OperationStatus.SUCCEEDED or error == UNDONE


def may_be_forgotten(operation: Operation) -> bool:
    """Tell whether an operation may expire, as far as it can tell itself."""
    return is_over(operation.status, operation.error) and operation.kind not in LEAD_BACK


def expiry(ended_at: datetime, days: int) -> int:
    """Return when what ended at that time expires, in seconds since 1970."""
    return int((ended_at + timedelta(days=days)).timestamp())
