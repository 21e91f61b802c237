"""One run over the fleet: its orders, the outcome of each tenant, and its summary."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from tenantry.domain.backup import BackupId
from tenantry.domain.errors import BadRequest
from tenantry.domain.tenant import TenantId
from tenantry.domain.ulid import ALPHABET, new_ulid

_PREFIX = re.compile(rf"runs/(backups|drills|retention)/[{ALPHABET}]{{26}}/")


class RunKind(StrEnum):
    """The work that a run does on each tenant."""

    BACKUPS = "backups"
    DRILLS = "drills"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class RunId:
    """The id of a run, which stores its state below `runs/{kind}/{ULID}/` in the stack's bucket."""

    prefix: str

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise BadRequest(
                "That is no run.", code="invalid_run", hint="A run's name is what the plan of the run has given."
            )

    @property
    def kind(self) -> RunKind:
        """The run's kind."""
        return RunKind(self.prefix.split("/")[1])

    @property
    def ulid(self) -> str:
        """The id without its kind."""
        return self.prefix.split("/")[2]

    def __str__(self) -> str:
        return self.prefix


def run_of(event: Mapping[str, Any], kind: RunKind) -> RunId | None:
    """Read the run that a worker's event names; None: it names none, and the worker was called by hand.

    :raises BadRequest: that is no run, or one of another kind, whose outcomes another worker stores (`invalid_run`).
    """
    if "run" not in event:
        return None
    run = RunId(str(event["run"]))
    if run.kind is not kind:
        raise BadRequest(
            "That run is of another kind.",
            code="invalid_run",
            hint=f"A run of this worker's begins with runs/{kind.value}/.",
        )
    return run


def new_run(kind: RunKind, at: datetime, seed: str) -> RunId:
    """Name the run that is scheduled `at`; the same seed names the same run, however often the event is delivered."""
    return RunId(f"runs/{kind.value}/{new_ulid(at, f'{kind.value}/{seed}')}/")


class WorkOrder(Protocol):
    """What a worker is to do for one tenant."""

    def event(self, run: RunId, trigger: str) -> dict[str, str]:
        """Return the order as the worker's event, which names its tenant as `tenant_id`."""


@dataclass(frozen=True, slots=True)
class Order:
    """A worker's order for one tenant's backup."""

    tenant_id: TenantId
    backup_id: BackupId

    def event(self, run: RunId, trigger: str) -> dict[str, str]:
        """Return the order as the worker's event."""
        return {
            "tenant_id": self.tenant_id.value,
            "backup_id": self.backup_id.value,
            "trigger": trigger,
            "run": run.prefix,
        }


class Result(StrEnum):
    """The result for one tenant."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


# The code for a tenant whose worker left no outcome: it ran out of time or memory, or was never started.
NO_WORD = "no_word"


@dataclass(frozen=True, slots=True)
class TenantOutcome:
    """The outcome that a worker stores for its tenant. Size in bytes."""

    tenant_id: str
    result: Result
    code: str = ""
    backup_id: str = ""
    bytes: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def outcome_from(fields: Mapping[str, Any]) -> TenantOutcome:
    """Read what `to_json` wrote."""
    return TenantOutcome(**{**fields, "result": Result(fields["result"])})


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The totals of a run. `bytes` is the sum over all tenants, `seconds` is from its start to its summary."""

    run: str
    started_at: datetime
    seconds: float
    tenants: int
    done: int
    skipped: int
    failed: int
    codes: Mapping[str, int]
    bytes: int
    failures: Sequence[TenantOutcome]

    def is_within(self, tolerated_percentage: int) -> bool:
        """Tell whether the share of failed tenants is within what is tolerated."""
        return self.failed * 100 <= tolerated_percentage * self.tenants

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self) | {"started_at": self.started_at.isoformat()}


def summarise(
    run: RunId, planned: Sequence[str], outcomes: Mapping[str, TenantOutcome], started_at: datetime, at: datetime
) -> RunSummary:
    """Count the outcomes of the planned tenants; a tenant without an outcome counts as failed."""
    found = [outcomes.get(name) or TenantOutcome(name, Result.FAILED, NO_WORD) for name in planned]
    by_result = Counter(outcome.result for outcome in found)
    failures = [outcome for outcome in found if outcome.result is Result.FAILED]
    return RunSummary(
        run=run.prefix,
        started_at=started_at,
        seconds=round((at - started_at).total_seconds(), 1),
        tenants=len(found),
        done=by_result[Result.DONE],
        skipped=by_result[Result.SKIPPED],
        failed=len(failures),
        codes=dict(sorted(Counter(outcome.code for outcome in failures).items())),
        bytes=sum(outcome.bytes for outcome in found),
        failures=failures,
    )
