"""What the linter found when this code was built, as far as a rollout has to heed it."""

from collections.abc import Iterable, Mapping
from typing import Self

from tenantry.domain.errors import Conflict
from tenantry.domain.revision import Direction
from tenantry.revisions.findings import Finding, Level, findings_of, read_findings
from tenantry.rollouts.planned_steps import PlannedStep
from tenantry.rollouts.sizes import Sizes


class Safety:
    """Judges steps by the findings of the linter."""

    def __init__(self, found: Mapping[str, tuple[Finding, ...]]) -> None:
        """Take the findings by the digest of what an upgrade does."""
        self._found = found

    @classmethod
    def of_this_code(cls) -> Self:
        """Read the findings that were packed with the revisions. :raises InvalidSetting: they can't be read."""
        return cls(read_findings())

    def findings(self, step: PlannedStep) -> tuple[Finding, ...]:
        """List what was found in a step; what takes a revision back is not linted, and has none."""
        return findings_of(step.digest, self._found) if step.direction == Direction.UPGRADE else ()

    def require_safe(self, steps: Iterable[PlannedStep]) -> None:
        """Refuse steps with errors that their revisions do not accept.

        :raises Conflict: there are some (`revision_unsafe`).
        """
        told = [
            f"{step.revision} {finding.rule}"
            for step in steps
            for finding in self.findings(step)
            if finding.level is Level.ERROR and not finding.accepted
        ]
        if told:
            raise Conflict(
                "A revision is not safe to be run on tenants in use.",
                code="revision_unsafe",
                details=", ".join(told[:20]),
                hint="Change it as `make lint` says, or say in it why it is safe: safety_assured.",
            )

    def sizes(self) -> Sizes:
        """Return what depends on how large a table is, accepted or not: who accepted it has not seen every tenant."""
        return Sizes({digest: [one for one in findings if one.by_size] for digest, findings in self._found.items()})
