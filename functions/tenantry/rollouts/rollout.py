"""What a rollout is: its waves, its state, and what the ledger keeps of each home that it migrates."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from tenantry.rollouts.erring import ErrorComparison, comparison_from

# The least wait between two attempts at the same home, in seconds.
RETRY_SECONDS: Final = 30
# A home that no worker has said anything of so often is given up.
MOST_ATTEMPTS: Final = 5
# A backfill that has not ended when the time of so many workers was up will not end: half a day.
MOST_UNFINISHED: Final = 50
# Why a rollout is paused whose ledger is still being written.
PLANNING: Final = "planning"
# Why a rollout has stopped whose migrated tenants err more than before: only then is a wave that has stopped promoted.
TOO_MANY_ERRORS: Final = "too_many_errors"


class RolloutState(StrEnum):
    """Where a rollout is. `WAITING` is for an operator's word, `STOPPED` for a mend: both can be gone on with."""

    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    STOPPED = "stopped"
    DONE = "done"
    CANCELLED = "cancelled"
    # Of a dry run: it is done, and nothing was changed.
    PLANNED = "planned"


OVER: Final = frozenset({RolloutState.DONE, RolloutState.CANCELLED, RolloutState.PLANNED})


class EntryState(StrEnum):
    """What the ledger says of one home. `BLOCKED` is tried again until the rollout's patience is over."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Gate(StrEnum):
    """What opens the way to the next wave, when the soak time is over: nothing more, or an operator's word."""

    AUTOMATIC = "automatic"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Match:
    """Which homes belong to a wave: those that fit everything that is said. Empty fits all.

    `labels` and `region` are those of the server, `percent` is a share of all homes that is the same at each planning.
    """

    labels: tuple[str, ...] = ()
    plan: str = ""
    region: str = ""
    isolation: str = ""
    percent: int = 100
    tenants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave: the first is the canary.

    `max_failed` is how many homes may fail or stay blocked before the rollout stops; `at_once_per_server` is how many
    workers migrate on one server at the same time. `max_erring` is how many tenants may get more errors than before,
    when the wave has soaked (None: nobody looks).
    """

    name: str
    match: Match = field(default_factory=Match)
    at_once_per_server: int = 2
    soak_minutes: int = 0
    max_failed: int = 0
    max_erring: int | None = None
    gate: Gate = Gate.AUTOMATIC


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all waves.

    `adopted` lets adopted databases take part; `backup_hours` asks for a backup that is not older (None: no backup);
    `patience_minutes` is how long a blocked home is tried again; `max_rows` is how many estimated rows a table may
    have that a revision rewrites or scans.
    """

    dry_run: bool = False
    adopted: bool = False
    backup_hours: int | None = None
    patience_minutes: int = 10
    max_rows: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout. `execution` numbers the runs of its state machine: only the newest may go on.

    `wave_began_at` is None in the first wave, which begins when the rollout was asked for.

    `events` estimates how much of the history of its execution is used up. `handed_out` is the digest of the entries
    that workers got last, and `in_vain` how often in a row they have left no trace of it in the ledger. `errors` is
    what was found last when a wave had soaked.
    """

    rollout_id: str
    target: str
    waves: tuple[Wave, ...]
    rules: Rules
    requested_by: str
    requested_at: datetime
    state: RolloutState = RolloutState.RUNNING
    reason: str = ""
    reverts: str = ""
    wave: int = 0
    wave_began_at: datetime | None = None
    soak_until: datetime | None = None
    execution: int = 1
    events: int = 0
    handed_out: str = ""
    in_vain: int = 0
    errors: ErrorComparison | None = None
    ended_at: datetime | None = None

    @property
    def is_promoted(self) -> bool:
        """Whether the last wave was promoted: nothing holds it any more."""
        return self.wave >= len(self.waves)

    @property
    def has_erred(self) -> bool:
        """Whether more tenants of the wave that it is in have erred than may."""
        most, found = self.current.max_erring, self.errors
        return most is not None and found is not None and found.wave == self.current.name and found.erring > most

    @property
    def current_number(self) -> int:
        """The number of the wave that it is in; the last where all are over."""
        return min(self.wave, len(self.waves) - 1)

    @property
    def current(self) -> Wave:
        """The wave that it is in; the last where all are over."""
        return self.waves[self.current_number]

    @property
    def is_over(self) -> bool:
        """Whether nothing can be gone on with."""
        return self.state in OVER

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self) | {
            "requested_at": self.requested_at.isoformat(),
            "wave_began_at": self.wave_began_at.isoformat() if self.wave_began_at else None,
            "soak_until": self.soak_until.isoformat() if self.soak_until else None,
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }


def rollout_from(fields: Mapping[str, Any]) -> Rollout:
    """Read what `Rollout.to_json` wrote."""
    return Rollout(
        **{
            **fields,
            "waves": tuple(map(wave_from, fields["waves"])),
            "rules": Rules(**fields["rules"]),
            "state": RolloutState(fields["state"]),
            "requested_at": datetime.fromisoformat(fields["requested_at"]),
            # A rollout that is under way may have been stored by code that did not know of it.
            "wave_began_at": _moment(fields.get("wave_began_at")),
            "errors": comparison_from(fields.get("errors")),
            "soak_until": _moment(fields["soak_until"]),
            "ended_at": _moment(fields["ended_at"]),
        }
    )


def wave_from(fields: Mapping[str, Any]) -> Wave:
    """Read a wave as JSON has it; `match` may be missing."""
    match = dict(fields.get("match") or {})
    lists = {name: tuple(match[name]) for name in ("labels", "tenants") if match.get(name) is not None}
    gate = Gate(fields.get("gate") or Gate.AUTOMATIC)
    return Wave(**{**fields, "match": Match(**match | lists), "gate": gate})


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One revision that was run or taken back in a home, and what it took."""

    revision: str
    direction: str
    phase: str
    digest: str
    seconds: float
    lock_waits: int
    rows: int
    done_at: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The ledger's entry of one home: `unit` is a tenant's id, or `pool/` and the server whose tables are shared.

    `tenants` is how many live in it. `goal` is the revision that it is to be at, `revision` the one where
    it was found, `changed_to` the one where this rollout has left it, if it has changed it. `rows` are estimates for
    the tables that the revisions touch. Times are in ISO 8601, `seconds` of the work itself.

    `begun_from` is the revision at which an attempt began that has not said how it ended (None: each has said), and
    `unfinished` how often the time was not enough for a backfill. `version` counts how often the entry was written.
    """

    unit: str
    server_id: str
    isolation: str
    wave: int
    goal: str
    state: EntryState = EntryState.PENDING
    tenants: int = 1
    revision: str | None = None
    changed_to: str | None = None
    attempts: int = 0
    seconds: float = 0.0
    lock_waits: int = 0
    steps: tuple[StepRecord, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    code: str = ""
    details: str = ""
    hint: str = ""
    blocked_by: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    began_at: str = ""
    not_before: str = ""
    updated_at: str = ""
    begun_from: str | None = None
    unfinished: int = 0
    version: int = 0

    @property
    def is_pool(self) -> bool:
        """Whether it is the shared tables of a server."""
        return self.unit.startswith(POOL)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done any more."""
        return self.state not in {EntryState.PENDING, EntryState.RUNNING, EntryState.BLOCKED}

    def again(self) -> "Entry":
        """Return the entry as one that is to be tried anew, with what was done so far."""
        return replace(self, state=EntryState.PENDING, attempts=0, unfinished=0, **_AFRESH)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


POOL: Final = "pool/"
# What an entry says of earlier attempts, when nothing is to be said of them any more.
_AFRESH: Final[dict[str, Any]] = {
    **dict.fromkeys(("code", "details", "hint", "reason", "began_at", "not_before"), ""),
    "blocked_by": {},
}


def entry_from(fields: Mapping[str, Any]) -> Entry:
    """Read what `Entry.to_json` wrote."""
    steps = tuple(StepRecord(**step) for step in fields["steps"])
    return Entry(**{**fields, "steps": steps, "state": EntryState(fields["state"])})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
