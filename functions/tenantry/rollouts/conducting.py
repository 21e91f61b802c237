"""Says what comes next in a rollout: slices for workers, a wait, or its end. A state machine asks after each round."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tenantry.aws.registry import Registry
from tenantry.aws.state_machine import StateMachine
from tenantry.domain.errors import DependencyFailed
from tenantry.observability import logger
from tenantry.rollouts import outcomes
from tenantry.rollouts.error_gate import ErrorGate, soaked_at
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.rollout import MOST_ATTEMPTS, TOO_MANY_ERRORS, Entry, EntryState, Gate, Rollout, RolloutState
from tenantry.rollouts.rollout_store import RolloutStore
from tenantry.rollouts.slices import slices_of
from tenantry.rollouts.units import new_entry, units_of, wave_of

# An execution's history holds 25,000 events: before they are used up, another execution goes on.
_MOST_EVENTS: Final = 20_000
# A slice's worker that Lambda throttles is tried again forty times, with three events each time.
_EVENTS_OF_ROUND, _EVENTS_OF_SLICE = 16, 130
_LEAST_WAIT, _LONGEST_WAIT = 2, 31_536_000
# Why a rollout waits that goes on by itself, and for how many seconds, where nobody can tell who has erred.
_ERRORS_UNREAD: Final = "errors_unread"
_WAIT_FOR_COUNTS: Final = 60


@dataclass(frozen=True, slots=True)
class Next:
    """What the state machine does next: `work` on slices, `wait` some seconds, or `end`."""

    action: str
    slices: Sequence[dict[str, Any]] = ()
    seconds: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {"action": self.action, "slices": list(self.slices), "seconds": self.seconds}


_END: Final = Next("end")


def execution_name(rollout: Rollout) -> str:
    """Name the execution that goes on with a rollout: starting it twice starts it once."""
    return f"{rollout.rollout_id}-{rollout.execution}"


def start_execution(machine: StateMachine, rollout: Rollout) -> None:
    """Start the state machine for a rollout. :raises DependencyFailed: it could not be started; resume it then."""
    machine.start(execution_name(rollout), {"rollout_id": rollout.rollout_id, "execution": rollout.execution})


class Conductor:
    """Conducts rollouts; what it decides is stored before it is said, so that it may be asked twice."""

    def __init__(
        self,
        registry: Registry,
        rollouts: RolloutStore,
        ledger: Ledger,
        machine: StateMachine,
        error_gate: ErrorGate,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the adapters, and a clock in UTC."""
        self._registry = registry
        self._rollouts = rollouts
        self._ledger = ledger
        self._machine = machine
        self._error_gate = error_gate
        self._clock = clock

    def next(self, rollout_id: str, execution: int) -> Next:
        """Say what comes next for one execution of the state machine.

        :raises NotFound: there is no such rollout.
        :raises DependencyFailed: the registry or Step Functions did not answer.
        """
        rollout = self._rollouts.get(rollout_id)
        while self._goes_on(rollout, execution):
            now = self._clock()
            entries = self._entries(rollout, now)
            mine = [entry for entry in entries if entry.wave == rollout.current_number]
            if _failures(mine, rollout, now) > rollout.current.max_failed and not rollout.rules.dry_run:
                return self._stop(rollout, "too_many_failed")
            # Of an earlier wave, too: an operator may have gone on before a home that was taken along was done.
            begun = [entry for entry in entries if entry.wave <= rollout.wave]
            due = [entry for entry in begun if outcomes.is_due(entry, rollout.rules, now)]
            if due:
                return self._work(rollout, due)
            waiting = [e for e in begun if not e.is_settled and not outcomes.is_given_up(e, rollout.rules, now)]
            if waiting:
                return self._wait(rollout, min(entry.not_before for entry in waiting), now)
            if self._take_along(rollout, entries):
                continue
            rollout, held = self._hold(rollout, mine, now)
            if held or not self._goes_on(rollout, execution):
                return held or _END
            rollout = self._open_gate(rollout)
        return _END

    def _goes_on(self, rollout: Rollout, execution: int) -> bool:
        return rollout.state is RolloutState.RUNNING and rollout.execution == execution

    def _entries(self, rollout: Rollout, now: datetime) -> list[Entry]:
        """Read the ledger. A worker that has not said how it ended has died, or is one of an earlier execution.

        Such a one still holds the home's lease, and what it has done counts more than what is written here.
        """
        entries = self._ledger.all(rollout.rollout_id)
        dead = {e.unit: outcomes.found_running(e, now) for e in entries if e.state is EntryState.RUNNING}
        self._ledger.replace_all(rollout.rollout_id, dead.values())
        return [dead.get(entry.unit, entry) for entry in entries]

    def _take_along(self, rollout: Rollout, entries: Sequence[Entry]) -> bool:
        """Add homes that are new since, and those that a restore or a move has brought back to an earlier revision."""
        if rollout.reverts:
            return False
        known = {entry.unit: entry for entry in entries}
        servers = {server.server_id: server for server in self._registry.servers()}
        present = rollout.current_number
        added = []
        for unit in units_of(self._registry.tenants(), servers):
            entry, wave = known.get(unit.name), wave_of(unit, rollout.waves)
            if entry is None and wave is not None:
                added.append(new_entry(unit, rollout, max(wave, present)))
            elif entry is not None and _is_back(entry, unit.tenants[0].schema_revision) and not rollout.rules.dry_run:
                added.append(replace(entry.again(), wave=present, server_id=unit.server_id))
        # Resumed just as their wave was over.
        left = [one for one in entries if one.state is EntryState.PENDING and one.wave < present]
        added += [replace(one, wave=present) for one in left]
        self._ledger.replace_all(rollout.rollout_id, added)
        return any(entry.wave == present and not entry.is_settled for entry in added)

    def _hold(self, rollout: Rollout, entries: Sequence[Entry], now: datetime) -> tuple[Rollout, Next | None]:
        """Let a wave soak, and look at what its tenants were answered meanwhile; None: nothing holds it any more."""
        if rollout.is_promoted or not _soaks(rollout, entries):
            return rollout, None
        rollout, wait = self._soak(rollout, now)
        return (rollout, wait) if wait else self._look_at_errors(rollout, entries)

    def _soak(self, rollout: Rollout, now: datetime) -> tuple[Rollout, Next | None]:
        """Wait until the wave has soaked, by stored times: whoever asks again does not wait anew."""
        if rollout.soak_until is None:
            rollout = self._change(rollout, soak_until=soaked_at(rollout.current, now))
        if rollout.soak_until and now < rollout.soak_until:
            return rollout, self._wait(rollout, rollout.soak_until.isoformat(), now)
        return rollout, None

    def _look_at_errors(self, rollout: Rollout, entries: Sequence[Entry]) -> tuple[Rollout, Next | None]:
        """Stop where more tenants err than may; where nobody can tell, wait and look again."""
        if rollout.current.max_erring is None or rollout.soak_until is None:
            return rollout, None
        try:
            found = self._error_gate.compare(rollout, entries, rollout.soak_until)
        except DependencyFailed as exc:
            logger().warning("errors could not be compared", extra={"code": exc.code})
            rollout = self._change(rollout, reason=_ERRORS_UNREAD)
            now = self._clock()
            return rollout, self._wait(rollout, (now + timedelta(seconds=_WAIT_FOR_COUNTS)).isoformat(), now)
        rollout = self._change(rollout, errors=found, reason="")
        return rollout, self._stop(rollout, TOO_MANY_ERRORS) if rollout.has_erred else None

    def _open_gate(self, rollout: Rollout) -> Rollout:
        """Go on to the next wave, wait for an operator's word, or end."""
        if rollout.wave + 1 >= len(rollout.waves):
            is_dry = rollout.rules.dry_run
            state = RolloutState.PLANNED if is_dry else RolloutState.DONE
            return self._change(rollout, state=state, ended_at=self._clock())
        if rollout.current.gate is Gate.OPERATOR and not rollout.rules.dry_run:
            return self._change(rollout, state=RolloutState.WAITING, reason="promotion")
        return self._change(rollout, wave=rollout.wave + 1, wave_began_at=self._clock(), soak_until=None)

    def _work(self, rollout: Rollout, due: Sequence[Entry]) -> Next:
        slices = slices_of(rollout, due)
        handed_out = _digest(due)
        in_vain = rollout.in_vain + 1 if handed_out == rollout.handed_out else 0
        if in_vain >= MOST_ATTEMPTS:
            return self._stop(rollout, "workers_lost")
        rollout = self._change(rollout, handed_out=handed_out, in_vain=in_vain)
        rollout, is_full = self._use(rollout, _EVENTS_OF_ROUND + _EVENTS_OF_SLICE * len(slices))
        return _END if is_full else Next("work", [one.to_json() for one in slices])

    def _wait(self, rollout: Rollout, until: str, now: datetime) -> Next:
        seconds = int((datetime.fromisoformat(until) - now).total_seconds()) + 1 if until else _LEAST_WAIT
        rollout, is_full = self._use(rollout, _EVENTS_OF_ROUND)
        return _END if is_full else Next("wait", seconds=min(max(seconds, _LEAST_WAIT), _LONGEST_WAIT))

    def _use(self, rollout: Rollout, events: int) -> tuple[Rollout, bool]:
        """Count what a round takes of the history; where there is no room, let another execution go on."""
        if rollout.events + events <= _MOST_EVENTS or rollout.events == 0:
            return self._change(rollout, events=rollout.events + events), False
        rollout = self._change(rollout, execution=rollout.execution + 1, events=0)
        start_execution(self._machine, rollout)
        return rollout, True

    def _stop(self, rollout: Rollout, reason: str) -> Next:
        self._change(rollout, state=RolloutState.STOPPED, reason=reason, handed_out="", in_vain=0)
        return _END

    def _change(self, rollout: Rollout, **fields: Any) -> Rollout:
        """Change a rollout, unless an operator has meanwhile paused, cancelled or resumed it."""

        def change(present: Rollout) -> Rollout:
            is_ours = self._goes_on(present, rollout.execution) and present.wave == rollout.wave
            return replace(present, **fields) if is_ours else present

        return self._rollouts.change(rollout.rollout_id, change)


def _digest(due: Sequence[Entry]) -> str:
    """Tell apart what is handed out: an entry that was written since has another version."""
    told = "\n".join(f"{entry.unit} {entry.version}" for entry in due)
    return hashlib.sha256(told.encode()).hexdigest()


def _failures(entries: Sequence[Entry], rollout: Rollout, now: datetime) -> int:
    """Count the homes of a wave that have failed, and those that were blocked for as long as it is patient."""
    return sum(entry.state is EntryState.FAILED or outcomes.is_given_up(entry, rollout.rules, now) for entry in entries)


def _soaks(rollout: Rollout, entries: Sequence[Entry]) -> bool:
    """Whether there is something to watch: where nothing was changed, nothing has to soak."""
    return bool(rollout.current.soak_minutes) and not rollout.rules.dry_run and any(entry.steps for entry in entries)


def _is_back(entry: Entry, revision: str) -> bool:
    return entry.state is EntryState.DONE and not entry.is_pool and revision != entry.goal
