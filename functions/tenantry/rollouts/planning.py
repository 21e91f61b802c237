"""Plans a rollout: which homes take part, in which wave, and what is going to be run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tenantry.domain.errors import BadRequest
from tenantry.domain.revision import HEAD, steps_between
from tenantry.domain.ulid import new_ulid
from tenantry.revisions.rendering import RenderedHistory
from tenantry.rollouts.planned_steps import PlannedStep, plan_steps
from tenantry.rollouts.rollout import Entry, Rollout, Rules, Wave
from tenantry.rollouts.units import Unit, is_adopted, new_entry, wave_of

_EVERYBODY = (Wave("all"),)


@dataclass(frozen=True, slots=True)
class RolloutOrder:
    """What an operator asks for; without waves, one wave has all homes."""

    target: str = HEAD
    waves: Sequence[Wave] = ()
    rules: Rules = field(default_factory=Rules)


def new_rollout(target: str, order: RolloutOrder, actor: str) -> Rollout:
    """Make a rollout to a revision that is known."""
    now = datetime.now(UTC)
    return Rollout(new_ulid(now), target, tuple(order.waves) or _EVERYBODY, order.rules, actor, now)


def plan_entries(units: Sequence[Unit], rollout: Rollout) -> list[Entry]:
    """Make the ledger's entries of the homes that belong to a wave.

    :raises BadRequest: nobody belongs to a wave (`empty_wave`), or it names tenants that are not there.
    """
    placed = [(unit, wave_of(unit, rollout.waves)) for unit in units]
    _require_known(units, rollout.waves)
    full = {wave for _, wave in placed}
    empty = [wave.name for number, wave in enumerate(rollout.waves) if number not in full]
    if empty:
        raise BadRequest(
            "Nobody belongs to a wave.",
            code="empty_wave",
            details=", ".join(empty),
            hint="A tenant belongs to the first wave that it fits. Change what the wave matches, or leave it out.",
        )
    return [new_entry(unit, rollout, wave) for unit, wave in placed if wave is not None]


def _require_known(units: Sequence[Unit], waves: Sequence[Wave]) -> None:
    known = {tenant.tenant_id.value for unit in units for tenant in unit.tenants}
    unknown = sorted({name for wave in waves for name in wave.match.tenants} - known)
    if unknown:
        raise BadRequest(
            "A wave names tenants that are not there.",
            code="tenant_unknown",
            details=", ".join(unknown[:10]),
            hint="GET /admin/v1/tenants lists them.",
        )


def plan_way(
    scripts: RenderedHistory, units: Sequence[Unit], entries: Sequence[Entry], target: str
) -> list[PlannedStep]:
    """Describe the way of the home that is furthest behind.

    A home at a revision that is not known here is its worker's to tell.

    :raises InvalidSetting: a revision leaves a transaction that it says it runs in.
    """
    taking_part = {entry.unit for entry in entries if not entry.is_settled}
    line = ["", *(revision.revision_id for revision in scripts.history.revisions)]
    at = [unit.tenants[0].schema_revision for unit in units if unit.name in taking_part and not is_adopted(unit)]
    known = [line.index(revision) for revision in at if revision in line]
    first = min([*known, line.index(target)])
    return plan_steps(scripts, steps_between(scripts.history.revisions, line[first], target))


def was_changed(entry: Entry) -> bool:
    """Whether a rollout has changed a home, or may have: the worker that was at it has never said how it ended."""
    return entry.changed_to is not None or entry.begun_from is not None


def way_back(entry: Entry) -> Entry:
    """Make the entry of a home that is to go back to where the other rollout has found it."""
    left_at = entry.goal if entry.begun_from is not None else entry.changed_to
    return Entry(
        unit=entry.unit,
        server_id=entry.server_id,
        isolation=entry.isolation,
        wave=0,
        goal=entry.revision or "",
        tenants=entry.tenants,
        revision=left_at,
    )


def plan_way_back(scripts: RenderedHistory, entries: Sequence[Entry]) -> list[PlannedStep]:
    """Describe all that is taken back in any home, the newest first.

    :raises Conflict: a home was left at a revision that is not known here any more (`schema_unknown`).
    :raises InvalidSetting: a revision can't be taken back.
    """
    history = scripts.history.revisions
    steps = {step for entry in entries for step in steps_between(history, entry.revision, entry.goal)}
    line = [revision.revision_id for revision in history]
    return plan_steps(scripts, sorted(steps, key=lambda step: line.index(step.revision.revision_id), reverse=True))
