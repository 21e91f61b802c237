"""Tells others how far a backup is while its worker works, without holding it up."""

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
    """Reports every other second what a worker's meter shows. A report that can't be written costs no backup."""

    def __init__(self, store: ProgressStore, tenant_id: TenantId, backup_id: BackupId, trigger: str) -> None:
        """Take where to report, and about which backup."""
        self._store = store
        self._known = Progress(tenant_id.value, backup_id.value, BackupState.RUNNING, trigger, datetime.now(UTC))
        self.meter = Meter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._report, name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._put(BackupState.RUNNING)
        self._thread.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Report how it ended; `published` has done so where it ended well."""
        self._stop()
        if error is not None:
            code = error.code if isinstance(error, TenantryError) else TenantryError.code
            self._put(BackupState.FAILED, error=code)

    def published(self, backup_id: BackupId) -> None:
        """Report that there is a backup, perhaps under another id."""
        self._stop()
        asked = self._known.backup_id
        self._put(BackupState.PUBLISHED, published_as="" if asked == backup_id.value else backup_id.value)

    def _report(self) -> None:
        while not self._over.wait(_INTERVAL_SECONDS):
            self._put(BackupState.RUNNING)

    def _stop(self) -> None:
        """End the thread first, so that nothing is written over the last word."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _put(self, state: BackupState, error: str = "", published_as: str = "") -> None:
        now = datetime.now(UTC)
        told = replace(self._known, state=state, error=error, published_as=published_as, updated_at=now)
        with suppress(DependencyFailed):
            self._store.put(replace(told, **asdict(self.meter)))
