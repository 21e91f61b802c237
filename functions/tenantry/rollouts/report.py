"""The report on migrations: who is at which revision, who is behind and why, and which files have changed since."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from tenantry.aws.registry import Registry
from tenantry.domain.revision import Step
from tenantry.domain.tenant import Isolation, Tenant, TenantStatus
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.planned_steps import PlannedStep, plan_steps
from tenantry.rollouts.rollout import POOL, Entry, EntryState, Rollout
from tenantry.rollouts.rollout_store import RolloutStore

# As far back as the reasons are looked for, and the files are compared.
_ROLLOUTS: Final = 10


class MigrationReport:
    """Reads the registry and the ledgers of the newest rollouts."""

    def __init__(self, registry: Registry, rollouts: RolloutStore, ledger: Ledger) -> None:
        """Take the adapters."""
        self._registry = registry
        self._rollouts = rollouts
        self._ledger = ledger

    def run(self) -> dict[str, Any]:
        """Report; those who are behind come first, by id.

        :raises DependencyFailed: the registry did not answer.
        """
        scripts = RenderedHistory(History())
        line = [revision.revision_id for revision in scripts.history.revisions]
        tenants = [tenant for tenant in self._registry.tenants() if tenant.status is not TenantStatus.ERASING]
        ours = [tenant for tenant in tenants if not tenant.adopted_database]
        behind = [tenant for tenant in ours if tenant.schema_revision != line[-1]]
        rollouts = [rollout for rollout in self._rollouts.newest(_ROLLOUTS) if not rollout.rules.dry_run]
        newest = self._newest(rollouts) if behind else {}
        return {
            "head": line[-1],
            "tenants": len(tenants),
            "by_revision": dict(sorted(Counter(tenant.schema_revision or "none" for tenant in ours).items())),
            "behind": [_line(tenant, line, newest) for tenant in behind],
            "adopted": sorted(tenant.tenant_id.value for tenant in tenants if tenant.adopted_database),
            "changed_files": self._changed_files(scripts, rollouts),
        }

    def _newest(self, rollouts: Sequence[Rollout]) -> dict[str, tuple[Rollout, Entry]]:
        """Find each home in the newest rollout that it belongs to: an earlier one's reasons may be mended since."""
        found: dict[str, tuple[Rollout, Entry]] = {}
        for rollout in rollouts:
            for entry in self._ledger.all(rollout.rollout_id):
                found.setdefault(entry.unit, (rollout, entry))
        return found

    def _changed_files(self, scripts: RenderedHistory, rollouts: Sequence[Rollout]) -> list[dict[str, str]]:
        """List the revisions whose files do something else than what a rollout has run."""
        now = {step.revision: step for step in plan_steps(scripts, [Step(one) for one in scripts.history.revisions])}
        found: dict[str, dict[str, str]] = {}
        for rollout in rollouts:
            for step in self._ledger.steps(rollout.rollout_id):
                if _differs(step, now.get(step.revision)):
                    told = {"revision": step.revision, "rollout": rollout.rollout_id, "digest": step.digest}
                    found.setdefault(step.revision, told)
        return [found[name] for name in sorted(found)]


def _differs(step: PlannedStep, now: PlannedStep | None) -> bool:
    return step.direction == "upgrade" and (now is None or now.digest != step.digest)


def _line(tenant: Tenant, line: Sequence[str], newest: dict[str, tuple[Rollout, Entry]]) -> dict[str, Any]:
    revision = tenant.schema_revision
    unit = f"{POOL}{tenant.server_id}" if tenant.isolation is Isolation.POOLED else tenant.tenant_id.value
    told: dict[str, Any] = {"rollout": None, "state": None, "code": None, "details": None, "reason": None}
    # Brought where it was to be, it is behind for want of another rollout; but for one that took something back.
    if unit in newest and (newest[unit][1].state is not EntryState.DONE or newest[unit][0].reverts):
        rollout, entry = newest[unit]
        told = {
            "rollout": rollout.rollout_id,
            "state": entry.state.value,
            "code": entry.code or None,
            "details": entry.details or None,
            "reason": entry.reason or (f"reverts {rollout.reverts}" if rollout.reverts else None),
        }
    at = ["", *line]
    return {
        "tenant_id": tenant.tenant_id.value,
        "server_id": tenant.server_id,
        "revision": revision or None,
        "revisions_behind": len(line) - at.index(revision) if revision in at else None,
        **told,
    }
