"""A worker's part of a rollout: brings the homes of one slice to their revisions, one after the other.

The slice is what the ledger has at that moment, so a worker that is started twice finds nothing left to do, and one
that dies leaves what it has not done to the next.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from tenantry.database.patience import DATABASE_BUSY
from tenantry.domain.errors import TenantryError
from tenantry.domain.printable import printable
from tenantry.domain.revision import Direction, steps_between
from tenantry.observability import log_unexpected
from tenantry.operations.leases import POOL_LEASE, TENANT_LEASE, Leases
from tenantry.revisions.rendering import RenderedHistory
from tenantry.revisions.running import StepRun, Watch
from tenantry.rollouts import outcomes
from tenantry.rollouts.backups_first import BackupsFirst
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.ledger_writer import LedgerWriter
from tenantry.rollouts.looking import find_blocker
from tenantry.rollouts.places import Place, Places, Skipped, require_free
from tenantry.rollouts.rollout import POOL, Entry, EntryState, Rollout, RolloutState, StepRecord
from tenantry.rollouts.rollout_store import RolloutStore
from tenantry.rollouts.sizes import Sizes
from tenantry.rollouts.slices import Slice

# How long a worker goes on before it looks again whether it may.
_LOOK_SECONDS: Final = 0.5
# What one home may take, once it is begun: its patience, a transaction, and the end of its login.
_RESERVE_SECONDS: Final = 120


class Tools(NamedTuple):
    """What a worker works with; a lease has to last as long as a worker may run."""

    places: Places
    leases: Leases
    rollouts: RolloutStore
    ledger: Ledger
    backups: BackupsFirst
    sizes: Sizes


def migrate_slice(order: Slice, tools: Tools, scripts: RenderedHistory, seconds_left: Callable[[], float]) -> int:
    """Migrate what is due, as long as there is time and the rollout goes on; returns how many homes were settled.

    :param seconds_left: in how many seconds this worker is ended, done or not.
    :raises TenantryError: the registry did not answer. What has failed in a home is in the ledger.
    """
    permit = _Permit(tools.rollouts, order)
    rollout = permit.look()
    if rollout is None:
        return 0

    def goes_on() -> bool:
        return seconds_left() > _RESERVE_SECONDS and permit.look() is not None

    settled = 0
    with LedgerWriter(tools.ledger, rollout.rollout_id) as writer:
        attempt = HomeAttempt(rollout, tools, scripts, goes_on, seconds_left)
        for entry in order.due(tools.ledger.all(rollout.rollout_id), rollout, datetime.now(UTC)):
            if not goes_on():
                break
            after = _unless_cancelled(attempt.bring(entry), tools.rollouts, rollout)
            writer.add(entry, after)
            settled += after.is_settled
            if after.state is EntryState.FAILED and _stops(tools.rollouts, rollout):
                break
    return settled


def _unless_cancelled(entry: Entry, rollouts: RolloutStore, rollout: Rollout) -> Entry:
    """Settle a home that would be tried again, if the rollout was cancelled while it was worked on."""
    if entry.is_settled or rollouts.get(rollout.rollout_id).state is not RolloutState.CANCELLED:
        return entry
    return replace(entry, state=EntryState.CANCELLED)


def _stops(rollouts: RolloutStore, rollout: Rollout) -> bool:
    """Count a failure, and tell whether no other home is to be tried after it."""
    return rollouts.count_failure(rollout.rollout_id, rollout.wave) > rollout.current.max_failed


class HomeAttempt:
    """Attempts to bring homes to the revisions that the ledger names, one at a time."""

    def __init__(
        self,
        rollout: Rollout,
        tools: Tools,
        scripts: RenderedHistory,
        goes_on: Callable[[], bool],
        seconds_left: Callable[[], float],
    ) -> None:
        """Take the rollout, whether another batch of a backfill may be begun, and when all has to be over."""
        self._rollout = rollout
        self._tools = tools
        self._scripts = scripts
        self._goes_on = goes_on
        self._seconds_left = seconds_left
        self._snapshot = tools.places.all()

    def bring(self, entry: Entry) -> Entry:
        """Bring a home to its revision; returns what is to be written of it."""
        read, is_dry_run = entry, self._rollout.rules.dry_run
        try:
            look = self._look(entry)
            # What is read under the lease stays so: who moves, restores or renames a tenant takes it, too.
            with nullcontext() if is_dry_run or look.is_at(entry.goal) else self._held(entry):
                place, found = self._look_again(entry, look)
                entry = self._seen(entry, place, found)
                if found == entry.goal and not is_dry_run:
                    return outcomes.settled(entry, EntryState.DONE, _now())
                entry = replace(entry, server_id=place.admin.home.server_id, isolation=place.admin.home.isolation.value)
                return (self._planned if is_dry_run else self._migrate)(entry, place, found)
        except Skipped as why:
            return outcomes.settled(entry, EntryState.SKIPPED, _now(), str(why))
        except Exception as exc:  # noqa: BLE001 - a defect of ours in one home is no reason to leave out the others
            held = outcomes.still_held(read, exc, _now()) if isinstance(exc, TenantryError) else None
            return held or self._failed(entry, exc)

    def _seen(self, entry: Entry, place: Place, found: str) -> Entry:
        """Write down where a home is, for those who ask the registry, and what a worker that died has done to it."""
        history = self._scripts.history.revisions
        is_ours = any(found == revision.revision_id for revision in history)
        # One that says nothing may have been at any: whoever lives there can hide its table.
        if (is_ours or found == entry.goal) and not self._rollout.rules.dry_run:
            self._tools.places.note(place, found)
        if entry.begun_from is not None:
            way = steps_between(history, entry.begun_from, entry.goal)
            entry = outcomes.accounted(entry, way, found, self._scripts.digest, _now())
        # A revert knows already where the home has to be.
        is_known = bool(entry.steps or self._rollout.reverts)
        return entry if is_known else replace(entry, revision=printable(found))

    def _failed(self, entry: Entry, exc: Exception, place: Place | None = None) -> Entry:
        """Return the entry of a home where something went wrong, with who is in the way if somebody is."""
        error = exc if isinstance(exc, TenantryError) else TenantryError()
        if error is not exc:
            log_unexpected(exc)
        blocker: dict[str, Any] = {}
        if error.code == DATABASE_BUSY:
            with suppress(TenantryError, Skipped):
                place = place or self._tools.places.find(entry, self._rollout.rules)
                blocker = find_blocker(place.connect, place.admin.home)
        return outcomes.failed(entry, error, _now(), blocker)

    def _look(self, entry: Entry) -> "_Look":
        """Look at a home where the registry had it when this worker began: most are found done there."""
        place = None
        try:
            place = self._tools.places.find(entry, self._rollout.rules, self._snapshot)
            return _Look(place, place.admin.revision() or "")
        except (TenantryError, Skipped) as exc:
            return _Look(place, "", exc)

    def _look_again(self, entry: Entry, look: "_Look") -> tuple[Place, str]:
        """Find a home where the registry has it now, and the revision that it is at, unless nothing is to be done.

        :raises Skipped: there is none any more, or the rollout leaves it alone.
        :raises TenantryError: the registry, or the server, refuses.
        """
        if look.place and look.is_at(entry.goal):
            return look.place, look.found
        place = self._tools.places.find(entry, self._rollout.rules)
        if look.place is None or place.admin.home != look.place.admin.home:
            return place, place.admin.revision() or ""
        if look.refusal:
            # It would be refused there once more, after as long a wait.
            raise look.refusal
        return place, look.found

    def _planned(self, entry: Entry, place: Place, found: str) -> Entry:
        """Say of a home where it is, and how much would be touched."""
        self._require_forward(entry, found)
        rows = self._tools.sizes.require(self._steps(entry, found), place, self._rollout.rules)
        return replace(outcomes.settled(entry, EntryState.DONE, _now()), revision=found, rows=rows)

    def _migrate(self, entry: Entry, place: Place, found: str) -> Entry:
        self._require_forward(entry, found)
        rules, owners = self._rollout.rules, self._tools.places.owners(place)
        self._tools.backups.require(rules, owners, self._rollout.requested_at)
        require_free(place)
        rows = self._tools.sizes.require(self._steps(entry, found), place, rules)
        claimed = self._tools.ledger.replace(self._rollout.rollout_id, outcomes.begun(entry, found, rows, _now()))
        # Another worker, or an operator, has settled it since it was read.
        return entry if claimed is None else self._run(claimed, place)

    def _run(self, entry: Entry, place: Place) -> Entry:
        steps: list[StepRecord] = []
        reached: list[str] = []

        def record(run: StepRun) -> None:
            steps.append(outcomes.recorded(run, self._scripts.digest(run.step), _now()))
            reached.append(run.step.reached)

        began, failure = time.monotonic(), None
        watch = Watch(record, lambda: not self._goes_on(), self._seconds_left)
        try:
            place.admin.migrate(entry.goal, self._scripts, watch)
        except Exception as exc:  # noqa: BLE001 - what was done until then is told, whatever went wrong
            failure = exc
        entry = outcomes.worked(entry, steps, reached[-1] if reached else None, time.monotonic() - began)
        try:
            if reached:
                # After an error it may be elsewhere than where its last step has left it.
                self._tools.places.note(place, (place.admin.revision() or "") if failure else reached[-1])
        except TenantryError as exc:
            failure = failure or exc
        return self._failed(entry, failure, place) if failure else outcomes.settled(entry, EntryState.DONE, _now())

    def _steps(self, entry: Entry, found: str) -> list[str]:
        """Name the digests of the steps that a home is to go."""
        steps = steps_between(self._scripts.history.revisions, found, entry.goal)
        return [self._scripts.digest(step) for step in steps]

    def _require_forward(self, entry: Entry, found: str) -> None:
        """Leave a home alone that is further than it is to go; only a revert goes back, and from its own state.

        :raises Skipped: it is left alone.
        """
        if self._rollout.reverts:
            if found != entry.revision and not entry.steps:
                raise Skipped(f"it is at {found or 'none'} by now")
            return
        steps = steps_between(self._scripts.history.revisions, found, entry.goal)
        if steps and steps[0].direction is Direction.DOWNGRADE:
            raise Skipped(f"it is further already, at {found}")

    @contextmanager
    def _held(self, entry: Entry) -> Iterator[None]:
        """Hold a tenant's lease or, for shared tables, that of their server."""
        name = (POOL_LEASE, entry.unit.removeprefix(POOL)) if entry.is_pool else (TENANT_LEASE, entry.unit)
        with self._tools.leases.hold(*name):
            yield


class _Look(NamedTuple):
    """What a first look has found: the home and its revision, or why there was none to be seen."""

    place: Place | None
    found: str
    refusal: Exception | None = None

    def is_at(self, goal: str) -> bool:
        """Whether a home was seen, at this revision."""
        return self.place is not None and self.refusal is None and self.found == goal


class _Permit:
    """Looks now and then whether a rollout still goes on, and this worker's execution with it."""

    def __init__(self, rollouts: RolloutStore, order: Slice) -> None:
        self._rollouts = rollouts
        self._order = order
        self._seen: Rollout | None = None
        self._until = 0.0

    def look(self) -> Rollout | None:
        """Return the rollout; None if this worker is to stop."""
        if time.monotonic() >= self._until:
            found = self._rollouts.get(self._order.rollout_id)
            goes_on = found.state is RolloutState.RUNNING and found.execution == self._order.execution
            if self._seen and found.wave != self._seen.wave:
                goes_on = False
            self._seen = found if goes_on else None
            self._until = time.monotonic() + (_LOOK_SECONDS if goes_on else float("inf"))
        return self._seen


def _now() -> datetime:
    return datetime.now(UTC)
