"""The bodies of the rollouts' routes, and what their answers show."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tenantry.domain.error_buckets import BUCKET
from tenantry.domain.spreadsheet import as_cell
from tenantry.rollouts.next_rollout_calls import next_rollout_calls
from tenantry.rollouts.planning import RolloutOrder
from tenantry.rollouts.rollout import Entry, Gate, Match, Rollout, Rules, Wave

_MAX_WAVES = 20
# In all waves together: a rollout is one item of DynamoDB, which holds 400 KB.
_MAX_TENANTS = 5000
_LEAST_SOAK = BUCKET // timedelta(minutes=1)
_Word = Annotated[str, Field(min_length=1, max_length=63)]
# On one line, and something to read in it.
_NAME = r"^[^\p{Cc}]*[^\p{Cc}\s][^\p{Cc}]*$"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class MatchBody(_Body):
    """Which homes belong to a wave."""

    labels: list[_Word] = Field(default_factory=list, max_length=20)
    plan: str = Field(default="", max_length=40)
    region: str = Field(default="", max_length=40)
    isolation: Literal["", "database", "schema", "pooled"] = ""
    percent: int = Field(default=100, ge=1, le=100)
    tenants: list[_Word] = Field(default_factory=list, max_length=1000)


class WaveBody(_Body):
    """One wave of a rollout."""

    name: str = Field(min_length=1, max_length=60, pattern=_NAME)
    match: MatchBody = Field(default_factory=MatchBody)
    at_once_per_server: int = Field(default=2, ge=1, le=40)
    soak_minutes: int = Field(default=0, ge=0, le=43_200)
    max_failed: int = Field(default=0, ge=0, le=100_000)
    max_erring: int | None = Field(default=None, ge=0, le=100_000)
    gate: Literal["automatic", "operator"] = "automatic"

    @model_validator(mode="after")
    def _has_time_for_errors(self) -> "WaveBody":
        if self.max_erring is not None and self.soak_minutes < _LEAST_SOAK:
            raise ValueError(f"max_erring needs soak_minutes of {_LEAST_SOAK} or more: errors are counted meanwhile")
        return self


class BackupBody(_Body):
    """How old a backup may be that counts as one from before."""

    if_older_than_hours: int = Field(ge=0, le=720)


class RolloutBody(_Body):
    """`POST /admin/v1/rollouts`."""

    revision: str = Field(default="head", min_length=1, max_length=32)
    waves: list[WaveBody] = Field(default_factory=list, max_length=_MAX_WAVES)
    dry_run: bool = False
    adopted: bool = False
    backup: BackupBody | None = None
    patience_minutes: int = Field(default=10, ge=0, le=1440)
    max_rows: int = Field(default=1_000_000, ge=0, le=10**12)

    @model_validator(mode="after")
    def _fits_together(self) -> "RolloutBody":
        names = [wave.name for wave in self.waves]
        if len({*names}) != len(names):
            raise ValueError("each wave has a name of its own")
        if sum(len(wave.match.tenants) for wave in self.waves) > _MAX_TENANTS:
            raise ValueError(f"the waves name more than {_MAX_TENANTS} tenants; match them by labels, plan or percent")
        return self

    def order(self) -> RolloutOrder:
        """Return what is asked for."""
        rules = Rules(
            dry_run=self.dry_run,
            adopted=self.adopted,
            backup_hours=self.backup.if_older_than_hours if self.backup else None,
            patience_minutes=self.patience_minutes,
            max_rows=self.max_rows,
        )
        return RolloutOrder(self.revision, [_wave(wave) for wave in self.waves], rules)


class SkipBody(_Body):
    """`POST /admin/v1/rollouts/{rollout_id}/skip`: a home, as the ledger names it, and why it is left out."""

    tenant: str = Field(min_length=1, max_length=60)
    reason: str = Field(min_length=1, max_length=1000, pattern=r"[^\p{Cc}\s]")


def show_rollout(rollout: Rollout) -> dict[str, Any]:
    """Show a rollout and what can be called next."""
    shown = rollout.to_json()
    for internal in ("events", "execution", "handed_out", "in_vain"):
        del shown[internal]
    return shown | {"wave_name": rollout.current.name, "next": [call.to_json() for call in next_rollout_calls(rollout)]}


def count_states(entries: Iterable[Entry], rollout: Rollout) -> dict[str, Any]:
    """Count a rollout's homes: by state, in each wave by state, and by the revision where they were found."""
    entries = list(entries)
    waves = [
        {"name": wave.name, "states": dict(Counter(e.state.value for e in entries if e.wave == number))}
        for number, wave in enumerate(rollout.waves)
    ]
    return {
        "states": dict(Counter(entry.state.value for entry in entries)),
        "by_wave": waves,
        "by_revision": dict(Counter(entry.revision or "none" for entry in entries)),
    }


_INTERNAL = frozenset({"version", "begun_from"})


def show_home(entry: Entry, rollout: Rollout) -> dict[str, Any]:
    """Show what the ledger has of one home."""
    shown = entry.to_json() | {"wave": rollout.waves[entry.wave].name}
    return {name: value for name, value in shown.items() if name not in _INTERNAL}


_OF_HOME = ("tenant", "server_id", "isolation", "wave", "state", "from", "to")
_OF_STEP = ("revision", "direction", "phase", "digest", "seconds", "lock_waits", "rows", "done_at")
_TOLD = ("attempts", "code", "details", "reason")


def as_csv(entries: Iterable[Entry], rollout: Rollout) -> str:
    """Write the ledger as a table for a spreadsheet: a line for each step in a home, or for a home without any."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow((*_OF_HOME, *_OF_STEP, *_TOLD))
    for entry in entries:
        home = (entry.unit, entry.server_id, entry.isolation, rollout.waves[entry.wave].name, entry.state.value)
        ends = (entry.revision, entry.changed_to or "")
        told = (entry.attempts, entry.code, entry.details, entry.reason)
        for step in [asdict(step) for step in entry.steps] or [{}]:
            line = (*home, *ends, *(step.get(field, "") for field in _OF_STEP), *told)
            writer.writerow([as_cell(value) for value in line])
    return written.getvalue()


def _wave(body: WaveBody) -> Wave:
    match = body.match
    return Wave(
        name=body.name,
        match=Match(
            tuple(match.labels), match.plan, match.region, match.isolation, match.percent, tuple(match.tenants)
        ),
        at_once_per_server=body.at_once_per_server,
        soak_minutes=body.soak_minutes,
        max_failed=body.max_failed,
        max_erring=body.max_erring,
        gate=Gate(body.gate),
    )
