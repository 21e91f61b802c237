"""What operators ask of rollouts: to plan and start one, to look at it, and to take it back."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from tenantry.aws.registry import Registry
from tenantry.aws.state_machine import StateMachine
from tenantry.domain.errors import Conflict
from tenantry.domain.paging import MOST, Page, PageRequest, cut
from tenantry.domain.revision import find_target
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.rollouts.conducting import start_execution
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.outcomes import left_behind
from tenantry.rollouts.planned_steps import PlannedStep
from tenantry.rollouts.planning import (
    RolloutOrder,
    new_rollout,
    plan_entries,
    plan_way,
    plan_way_back,
    was_changed,
    way_back,
)
from tenantry.rollouts.rollout import PLANNING, Entry, EntryState, Rollout, RolloutState, Wave
from tenantry.rollouts.rollout_store import RolloutStore
from tenantry.rollouts.units import Unit, units_of


class Linter(Protocol):
    """Knows what the linter has found about the revisions that this code was built with."""

    def require_safe(self, steps: Iterable[PlannedStep]) -> None:
        """Refuse steps whose errors are not accepted by their revisions. :raises Conflict: there are some."""


class Rollouts:
    """Starts rollouts, shows them, and takes them back."""

    def __init__(
        self, registry: Registry, rollouts: RolloutStore, ledger: Ledger, machine: StateMachine, linter: Linter
    ) -> None:
        """Take the adapters."""
        self._registry = registry
        self._rollouts = rollouts
        self._ledger = ledger
        self._machine = machine
        self._linter = linter

    def start(self, order: RolloutOrder, actor: str) -> Rollout:
        """Plan a rollout and start it.

        :raises BadRequest: there is no such revision, or a wave that nobody belongs to (`empty_wave`).
        :raises Conflict: another is under way; a revision is not safe (`revision_unsafe`).
        :raises DependencyFailed: it could not be started; if it is listed, resume it.
        """
        scripts = RenderedHistory(History())
        target = find_target(scripts.history.revisions, order.target)
        rollout = new_rollout(target, order, actor)
        units = list(self._units())
        entries = plan_entries(units, rollout)
        steps = plan_way(scripts, units, entries, target)
        if not order.rules.dry_run:
            self._linter.require_safe(steps)
        return self._begin(rollout, entries, steps)

    def revert(self, rollout_id: str, actor: str) -> Rollout:
        """Start a rollout that takes back what another one did, in the homes that it changed and nowhere else.

        :raises NotFound: there is no such rollout.
        :raises Conflict: it has changed nothing (`nothing_to_revert`); another is under way.
        :raises InvalidSetting: a revision can't be taken back.
        """
        former = self._rollouts.get(rollout_id)
        changed = [entry for entry in self._ledger.all(rollout_id) if was_changed(entry)]
        if not changed:
            raise Conflict(
                "That rollout has changed nothing.",
                code="nothing_to_revert",
                hint="GET /admin/v1/rollouts lists others.",
            )
        waves = (Wave("all", max_failed=former.waves[-1].max_failed),)
        rollout = new_rollout(former.target, RolloutOrder(former.target, waves, former.rules), actor)
        entries = [way_back(entry) for entry in changed]
        steps = plan_way_back(RenderedHistory(History()), entries)
        return self._begin(replace(rollout, reverts=rollout_id), entries, steps)

    def get(self, rollout_id: str) -> Rollout:
        """Look a rollout up. :raises NotFound: there is none of that id."""
        return self._rollouts.get(rollout_id)

    def page(self, request: PageRequest) -> Page[Rollout]:
        """Read a page of rollouts, newest first."""
        return self._rollouts.page(request)

    def entries(self, rollout_id: str) -> Sequence[Entry]:
        """List all that a rollout's ledger has. Of one that was cancelled, what nobody goes on with is settled.

        :raises NotFound: there is none of that id.
        """
        return self._settled(self._rollouts.get(rollout_id), self._ledger.all(rollout_id))

    def _settled(self, rollout: Rollout, entries: Sequence[Entry]) -> Sequence[Entry]:
        if rollout.state is not RolloutState.CANCELLED:
            return entries
        now = datetime.now(UTC)
        settled = {entry.unit: left_behind(entry, now) for entry in entries if not entry.is_settled}
        self._ledger.replace_all(rollout.rollout_id, [entry for entry in settled.values() if entry.is_settled])
        return [settled.get(entry.unit, entry) for entry in entries]

    def entries_page(self, rollout_id: str, state: EntryState | None, request: PageRequest) -> Page[Entry]:
        """Read a page of a rollout's ledger, by home; with a state, of the homes that are in it.

        :raises NotFound: there is none of that id.
        """
        rollout, page = (
            self._rollouts.get(rollout_id),
            self._ledger.page(rollout_id, PageRequest(MOST if state else request.limit, request.after)),
        )
        entries = self._settled(rollout, page.items)
        return cut(Page(tuple(e for e in entries if state in (None, e.state)), page.after), request, lambda e: e.unit)

    def steps(self, rollout_id: str) -> list[PlannedStep]:
        """List the steps that a rollout was planned with."""
        return self._ledger.steps(rollout_id)

    def _units(self) -> Iterable[Unit]:
        return units_of(self._registry.tenants(), {server.server_id: server for server in self._registry.servers()})

    def _begin(self, rollout: Rollout, entries: Sequence[Entry], steps: Sequence[PlannedStep]) -> Rollout:
        self._rollouts.begin(replace(rollout, state=RolloutState.PAUSED, reason=PLANNING))
        self._ledger.put_all(rollout.rollout_id, entries)
        self._ledger.put_steps(rollout.rollout_id, steps)
        # Somebody may have cancelled it already.
        begun = self._rollouts.change(
            rollout.rollout_id, lambda present: rollout if present.reason == PLANNING else present
        )
        start_execution(self._machine, begun)
        return begun
