"""What a rollout is going to run: each revision's SQL, as it can be read before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from tenantry.domain.revision import Step
from tenantry.revisions.rendering import RenderedHistory

# Of one step, and of all: an item of DynamoDB holds 400 KB.
_MAX_SQL: Final = 20_000
_MAX_STEPS: Final = 200
_MAX_TOTAL: Final = 200_000


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One revision with its SQL, which is cut where it is long; empty where only Alembic can run it."""

    revision: str
    down_revision: str
    title: str
    phase: str
    direction: str
    in_transaction: bool
    digest: str
    sql: str
    safety_assured: str

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def plan_steps(scripts: RenderedHistory, steps: Sequence[Step]) -> list[PlannedStep]:
    """Describe steps; of more than two hundred, the last ones.

    :raises InvalidSetting: a step can't be taken back, or leaves a transaction that it says it runs in.
    """
    planned, left = [], _MAX_TOTAL
    for step in steps[-_MAX_STEPS:]:
        rendering, revision = scripts.render(step), step.revision
        text = (f"{revision.batch};\n" if revision.batch else "") + (rendering.text if rendering else "")
        sql = text[: min(_MAX_SQL, left)]
        left -= len(sql)
        planned.append(
            PlannedStep(
                revision=revision.revision_id,
                down_revision=revision.down_revision,
                title=revision.title,
                phase=revision.phase.value,
                direction=step.direction.value,
                in_transaction=revision.in_transaction,
                digest=scripts.digest(step),
                sql=sql if len(sql) == len(text) else f"{sql}…",
                safety_assured=revision.safety_assured,
            )
        )
    return planned
