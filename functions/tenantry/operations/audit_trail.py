"""Records who did what, when, and with which outcome."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tenantry.domain.errors import TenantryError
from tenantry.domain.paging import Page, PageRequest
from tenantry.domain.ulid import new_ulid
from tenantry.operations.audit import AuditEntry
from tenantry.operations.audit_log import AuditFilter, AuditLog


class AuditTrail:
    """Records operators' actions. If an action can't be recorded, its call fails, though it may have taken effect."""

    def __init__(self, log: AuditLog) -> None:
        """Take the log."""
        self._log = log

    @contextmanager
    def record(self, actor: str, action: str, target: str) -> Iterator[None]:
        """Write an entry when the block ends, with success or an error."""
        try:
            yield
        except TenantryError as error:
            self._append(actor, action, target, error.code)
            raise
        except BaseException:
            self._append(actor, action, target, "internal_error")
            raise
        self._append(actor, action, target, "succeeded")

    def page(self, wanted: AuditFilter, request: PageRequest) -> Page[AuditEntry]:
        """Read a page of entries, newest first.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return self._log.page(wanted, request)

    def _append(self, actor: str, action: str, target: str, outcome: str) -> None:
        now = datetime.now(UTC)
        self._log.append(AuditEntry(new_ulid(now), now, actor, action, target, outcome))
