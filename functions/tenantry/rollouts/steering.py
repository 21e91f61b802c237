"""How operators steer a rollout that is under way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from tenantry.aws.state_machine import StateMachine
from tenantry.domain.errors import Conflict
from tenantry.rollouts.conducting import start_execution
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.rollout import PLANNING, TOO_MANY_ERRORS, Entry, EntryState, Rollout, RolloutState
from tenantry.rollouts.rollout_store import RolloutStore, require_going


class Steering:
    """Pauses, resumes, promotes and cancels rollouts, and leaves homes out of them."""

    def __init__(self, rollouts: RolloutStore, ledger: Ledger, machine: StateMachine) -> None:
        """Take the adapters."""
        self._rollouts = rollouts
        self._ledger = ledger
        self._machine = machine

    def pause(self, rollout_id: str) -> Rollout:
        """Begin nothing more; what a worker has begun is ended. :raises Conflict: it is over."""
        return self._steer(rollout_id, lambda rollout: replace(rollout, state=RolloutState.PAUSED, reason="operator"))

    def resume(self, rollout_id: str) -> Rollout:
        """Go on, in a new execution; what has failed or was blocked is tried anew, and errors are counted from now on.

        :raises Conflict: it is over, waits to be promoted (`rollout_waiting`), or was not planned to the end
            (`rollout_unplanned`).
        """
        rollout = self._rollouts.get(rollout_id)
        require_going(rollout)
        if rollout.reason == PLANNING:
            raise Conflict(
                "The rollout was not planned to the end.",
                code="rollout_unplanned",
                hint="Cancel it, and start another.",
            )
        if rollout.state is RolloutState.WAITING:
            raise Conflict(
                "The rollout waits for its gate to be opened.",
                code="rollout_waiting",
                hint=f"POST /admin/v1/rollouts/{rollout_id}/promote opens it.",
            )
        again = [
            replace(entry.again(), wave=max(entry.wave, rollout.current_number))
            for entry in self._ledger.all(rollout_id)
            if entry.state in {EntryState.FAILED, EntryState.BLOCKED}
        ]
        self._ledger.replace_all(rollout_id, again)
        self._rollouts.forget_failures(rollout_id, rollout.wave)
        return self._go_on(rollout_id, _looked_at)

    def promote(self, rollout_id: str) -> Rollout:
        """Open the gate of the present wave: the next one begins, and nothing soaks, or is held by errors, any longer.

        :raises Conflict: it is over, or the wave is not complete (`wave_incomplete`).
        """

        def promote(rollout: Rollout) -> Rollout:
            is_soaking = rollout.state is RolloutState.RUNNING and rollout.soak_until is not None
            has_erred = rollout.state is RolloutState.STOPPED and rollout.reason == TOO_MANY_ERRORS
            if rollout.state is not RolloutState.WAITING and not is_soaking and not has_erred:
                raise Conflict(
                    "The wave is not complete.",
                    code="wave_incomplete",
                    hint="A gate is opened when its wave is done; resume a rollout that is paused or has stopped.",
                )
            now = datetime.now(UTC)
            return replace(rollout, wave=rollout.wave + 1, wave_began_at=now, soak_until=None)

        return self._go_on(rollout_id, promote)

    def cancel(self, rollout_id: str) -> Rollout:
        """End a rollout for good: what was not begun is left as it is. :raises Conflict: it is over."""
        now = datetime.now(UTC)
        cancelled = self._steer(
            rollout_id,
            lambda rollout: replace(rollout, state=RolloutState.CANCELLED, reason="operator", ended_at=now),
        )
        left = [
            replace(entry, state=EntryState.CANCELLED, updated_at=now.isoformat())
            for entry in self._ledger.all(rollout_id)
            if entry.state in {EntryState.PENDING, EntryState.BLOCKED}
        ]
        self._ledger.replace_all(rollout_id, left)
        return cancelled

    def skip(self, rollout_id: str, unit: str, reason: str) -> Entry:
        """Leave a home out of a rollout.

        :raises NotFound: the rollout has no such home.
        :raises Conflict: it is done already, or being migrated at this moment (`not_skippable`).
        """
        require_going(self._rollouts.get(rollout_id))
        entry = self._ledger.get(rollout_id, unit)
        if entry.state in {EntryState.DONE, EntryState.RUNNING}:
            is_done = entry.state is EntryState.DONE
            raise Conflict(
                f"It is {entry.state.value}.",
                code="not_skippable",
                hint="Revert the rollout to take it back." if is_done else "Wait until its worker has ended.",
            )
        skipped = replace(
            entry, state=EntryState.SKIPPED, reason=reason, updated_at=datetime.now(UTC).isoformat(), not_before=""
        )
        if self._ledger.replace(rollout_id, skipped) is None:
            # A worker has just begun with it, or ended.
            return self.skip(rollout_id, unit, reason)
        return skipped

    def _steer(self, rollout_id: str, change: Callable[[Rollout], Rollout]) -> Rollout:
        def steer(rollout: Rollout) -> Rollout:
            require_going(rollout)
            return change(rollout)

        return self._rollouts.change(rollout_id, steer)

    def _go_on(self, rollout_id: str, change: Callable[[Rollout], Rollout] = lambda rollout: rollout) -> Rollout:
        def go_on(rollout: Rollout) -> Rollout:
            changed = change(rollout)
            return replace(changed, state=RolloutState.RUNNING, reason="", execution=rollout.execution + 1, events=0)

        rollout = self._steer(rollout_id, go_on)
        start_execution(self._machine, rollout)
        return rollout


def _looked_at(rollout: Rollout) -> Rollout:
    """Let a wave soak anew whose errors have stopped the rollout: what has been mended shows in those from now on."""
    return replace(rollout, soak_until=None, errors=None) if rollout.has_erred else rollout
