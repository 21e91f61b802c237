"""Entries of the audit trail: written once and never changed."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action of an operator. `entry_id` is a ULID; `outcome` is `succeeded` or the code of an error."""

    entry_id: str
    at: datetime
    actor: str
    action: str
    target: str
    outcome: str
