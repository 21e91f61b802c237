"""How far a backup is: what its worker measures, and what others get to see of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

# Its worker speaks every few seconds. One that has been silent for so long has died, or was never started.
_SILENCE = timedelta(seconds=90)
_QUEUED = timedelta(minutes=10)


class BackupState(StrEnum):
    """Where a backup stands. Nobody writes `lost`: it is what a worker's silence means."""

    QUEUED = "queued"
    RUNNING = "running"
    PUBLISHED = "published"
    FAILED = "failed"
    LOST = "lost"


@dataclass(slots=True)
class Meter:
    """What a worker counts while it works; tables are counted by another thread than bytes."""

    dump_bytes: int = 0
    stored_bytes: int = 0
    tables_done: int = 0
    tables_total: int = 0

    def begin(self, tables: int) -> None:
        """Count from nothing: an earlier attempt may have been in vain."""
        self.dump_bytes = self.stored_bytes = self.tables_done = 0
        self.tables_total = tables

    def count_table(self) -> None:
        """Note that a table has been counted."""
        self.tables_done += 1


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of a backup that was asked for or begun. Times are UTC; `error` is the code of what went wrong.

    `published_as` is another id where a worker before had died and left something under this one.
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
        """Say where it stands, given that its worker speaks every few seconds."""
        patience = {BackupState.QUEUED: _QUEUED, BackupState.RUNNING: _SILENCE}.get(self.state)
        return BackupState.LOST if patience and now - self.updated_at > patience else self.state

    def is_under_way(self, now: datetime) -> bool:
        """Whether it is to be waited for."""
        return self.at(now) in {BackupState.QUEUED, BackupState.RUNNING}

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Show it to whoever may see this tenant's backups."""
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
