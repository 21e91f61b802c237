"""Reports a backup's progress from a thread of its own, without slowing the worker down."""

import threading
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Self

from tenantry.backups.progress import BackupState, Meter, Progress
from tenantry.backups.progress_store import ProgressStore
from tenantry.domain.backup import BackupId
from tenantry.domain.errors import DependencyFailed, TenantryError
from tenantry.domain.tenant import TenantId

_INTERVAL_SECONDS = 2.0


class Reporter:
    """Stores a worker's meter every two seconds. A report that can't be stored does not fail the backup."""

    def __init__(self, store: ProgressStore, tenant_id: TenantId, backup_id: BackupId, trigger: str) -> None:
        """Take the store, and the backup to report on."""
        self._store = store
        self._known = Progress(tenant_id.value, backup_id.value, BackupState.RUNNING, trigger, datetime.now(UTC))
        self.meter = Meter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._report, name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Start to report."""
        self._put(BackupState.RUNNING)
        self._thread.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Report a failure; `published` has already reported a success."""
        self._stop()
        if error is not None:
            code = error.code if isinstance(error, TenantryError) else TenantryError.code
            self._put(BackupState.FAILED, error=code)

    def published(self, backup_id: BackupId) -> None:
        """Report that the backup was published, perhaps under another id."""
        self._stop()
        asked = self._known.backup_id
        self._put(BackupState.PUBLISHED, published_as="" if asked == backup_id.value else backup_id.value)

    def _report(self) -> None:
        while not self._over.wait(_INTERVAL_SECONDS):
            self._put(BackupState.RUNNING)

    def _stop(self) -> None:
        """Stop the thread, so that it does not overwrite the final report."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _put(self, state: BackupState, error: str = "", published_as: str = "") -> None:
        now = datetime.now(UTC)
        told = replace(self._known, state=state, error=error, published_as=published_as, updated_at=now)
        with suppress(DependencyFailed):
            self._store.put(replace(told, **asdict(self.meter)))
