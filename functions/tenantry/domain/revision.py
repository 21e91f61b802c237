"""The revisions of the tenants' schema: what one is, and which of them lead from one revision to another."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tenantry.domain.errors import BadRequest, Conflict

# Where Alembic keeps the revision that a schema is at; and the names of "the newest" and "before the first".
VERSION_TABLE: Final = "alembic_version"
HEAD: Final = "head"
BASE: Final = "base"


class Phase(StrEnum):
    """A revision's place in a change that running applications survive: add, fill, and only later take away."""

    EXPAND = "expand"
    BACKFILL = "backfill"
    CONTRACT = "contract"


class Direction(StrEnum):
    """Whether a revision is run or taken back."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"


@dataclass(frozen=True, slots=True)
class Revision:
    """One file of the revisions' directory.

    `down_revision` is empty for the first. `batch` is the statement that a backfill repeats until it changes no row,
    with `pause_seconds` in between. `safety_assured` says why the linter's findings are accepted, if they are.
    """

    revision_id: str
    down_revision: str = ""
    title: str = ""
    phase: Phase = Phase.EXPAND
    in_transaction: bool = True
    batch: str = ""
    pause_seconds: float = 0.1
    safety_assured: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One revision, run or taken back."""

    revision: Revision
    direction: Direction = Direction.UPGRADE

    @property
    def reached(self) -> str:
        """The revision that a schema is at afterwards; empty before the first."""
        is_upgrade = self.direction is Direction.UPGRADE
        return self.revision.revision_id if is_upgrade else self.revision.down_revision

    @property
    def left(self) -> str:
        """The revision that a schema is at before; empty before the first."""
        is_upgrade = self.direction is Direction.UPGRADE
        return self.revision.down_revision if is_upgrade else self.revision.revision_id


def find_target(history: Sequence[Revision], target: str) -> str:
    """Return the id of the revision that `target` names: an id, `head`, or `base`, which is empty.

    :param history: all revisions, oldest first.
    :raises BadRequest: there is no such revision.
    """
    if target == HEAD:
        return history[-1].revision_id
    if target == BASE:
        return ""
    if all(target != revision.revision_id for revision in history):
        raise BadRequest(
            "There is no such revision.",
            code="revision_unknown",
            hint="Name one of the files in the revisions' directory by its number, or leave it out for the newest.",
        )
    return target


def steps_between(history: Sequence[Revision], current: str | None, target: str) -> list[Step]:
    """List the steps from one revision to another, in order; none where a schema is there already.

    :param current: the revision that a schema is at; None or empty before the first.
    :param target: an id; empty before the first.
    :raises Conflict: the history does not have the revision that a schema is at (`schema_unknown`), or the one that it
        is to be brought to (`goal_unknown`), as after a deployment of older code.
    """
    ids = ["", *(revision.revision_id for revision in history)]
    if (current or "") not in ids:
        raise schema_unknown(str(current))
    if target not in ids:
        raise Conflict(
            f"The tenant is to be brought to revision {target}, which is not known here.",
            code="goal_unknown",
            hint="Deploy the version of Tenantry that has this revision, and resume the rollout; or cancel it.",
        )
    here, there = ids.index(current or ""), ids.index(target)
    if here <= there:
        return [Step(revision) for revision in history[here:there]]
    return [Step(revision, Direction.DOWNGRADE) for revision in reversed(history[there:here])]


def schema_unknown(current: str) -> Conflict:
    """Make the error for a schema at a revision that this version of the code does not have."""
    return Conflict(
        f"The tenant's schema is at revision {current}, which is not known here.",
        code="schema_unknown",
        hint="Deploy the version of Tenantry that has this revision.",
    )
