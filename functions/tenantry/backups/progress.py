"""The progress of a backup: what its worker measures, and how others see it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

# A worker reports every few seconds. If it has been silent for this long, it has died.
_SILENCE = timedelta(seconds=90)
# As long as Lambda keeps a request for which no worker is free. A worker that can't begin says so.
QUEUED_AT_MOST = timedelta(hours=6)


class BackupState(StrEnum):
    """The state of a backup. `lost` is never stored: it is derived from a worker's silence."""

    QUEUED = "queued"
    RUNNING = "running"
    PUBLISHED = "published"
    FAILED = "failed"
    LOST = "lost"


@dataclass(slots=True)
class Meter:
    """What a worker counts while it works; one thread counts tables, another bytes."""

    dump_bytes: int = 0
    stored_bytes: int = 0
    tables_done: int = 0
    tables_total: int = 0

    def begin(self, tables: int) -> None:
        """Count from nothing: an earlier attempt may have been in vain."""
        self.dump_bytes = self.stored_bytes = self.tables_done = 0
        self.tables_total = tables

    def count_table(self) -> None:
        """Count one more finished table."""
        self.tables_done += 1


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a requested or running backup. Times are UTC; `error` is the code of the failure.

    `published_as` is another id if an earlier worker died and left objects under this one.
    """

    tenant_id: str
    backup_id: str
    state: BackupState
    trigger: str
    updated_at: datetime
    dump_bytes: int = 0
    stored_bytes: int = 0
    tables_done: int = 0
    tables_total: int = 0
    error: str = ""
    published_as: str = ""

    def at(self, now: datetime) -> BackupState:
        """Return the state at `now`; a worker that has been silent for too long makes it `lost`."""
        patience = {BackupState.QUEUED: QUEUED_AT_MOST, BackupState.RUNNING: _SILENCE}.get(self.state)
        return BackupState.LOST if patience and now - self.updated_at > patience else self.state

    def is_under_way(self, now: datetime) -> bool:
        """Whether the backup can still be expected to end."""
        return self.at(now) in {BackupState.QUEUED, BackupState.RUNNING}

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Return the progress as JSON values, for those who may see this tenant's backups."""
        return {
            "backup_id": self.backup_id,
            "state": self.at(now).value,
            "trigger": self.trigger,
            "updated_at": self.updated_at.isoformat(),
            "dump_bytes": self.dump_bytes,
            "stored_bytes": self.stored_bytes,
            "tables_done": self.tables_done,
            "tables_total": self.tables_total,
            "error": self.error or None,
            "published_as": self.published_as or None,
        }
