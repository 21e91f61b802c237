"""What every worker of a run does around its work: it holds the tenant's lease and stores the outcome."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from tenantry.domain.errors import Conflict, TenantryError
from tenantry.domain.tenant import TenantId
from tenantry.fleet.run import Result, RunId, TenantOutcome
from tenantry.fleet.run_store import RunStore
from tenantry.operations.leases import Leases


@dataclass(frozen=True, slots=True)
class Done:
    """A worker's result: the backup, its bytes, and whether an earlier delivery had already done the work."""

    backup_id: str = ""
    bytes: int = 0
    was_done_before: bool = False


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """Why there is nothing to do for a tenant, now that its turn has come: the code of the reason."""

    code: str


class FleetWork:
    """Performs one tenant's part of a run."""

    def __init__(self, leases: Leases, kind: str, busy_code: str, runs: RunStore) -> None:
        """Take the adapters; a lease has to last as long as a worker may run.

        :param kind: the lease's kind, such as `backup`.
        :param busy_code: the error code when another worker holds the lease.
        """
        self._leases = leases
        self._kind = kind
        self._busy_code = busy_code
        self._runs = runs

    def perform[Work](
        self,
        tenant_id: TenantId,
        run: RunId | None,
        work: Callable[[], Work],
        describe: Callable[[Work], Done | NothingToDo],
    ) -> Work:
        """Do the work under the tenant's lease.

        :param run: the run that the work is part of; None if it was requested for this tenant alone.
        :raises Conflict: another worker holds the lease (`busy_code`).
        :raises TenantryError: the work failed; the outcome in the run has the code.
        """
        started = time.monotonic()
        with ExitStack() as stack:
            self._take_lease(stack, tenant_id, run)
            try:
                found = work()
            except TenantryError as error:
                self._tell(run, TenantOutcome(tenant_id.value, Result.FAILED, error.code), started)
                raise
            except Exception:
                # A defect in this code; the log has its traceback.
                self._tell(run, TenantOutcome(tenant_id.value, Result.FAILED, TenantryError.code), started)
                raise
            self._tell_result(run, tenant_id, describe(found), started)
        return found

    def _take_lease(self, stack: ExitStack, tenant_id: TenantId, run: RunId | None) -> None:
        try:
            stack.enter_context(self._leases.hold(self._kind, tenant_id.value))
        except Conflict as exc:
            code = self._busy_code
            # The worker that holds the lease may have stored its outcome already, which says more than this one.
            self._tell(run, TenantOutcome(tenant_id.value, Result.SKIPPED, code), time.monotonic(), keep_earlier=True)
            raise Conflict(
                "Another worker does this for the tenant at the moment.",
                code=code,
                hint="Wait for it to end. One that has died is waited for no longer than a function may run.",
            ) from exc

    def _tell_result(self, run: RunId | None, tenant_id: TenantId, result: Done | NothingToDo, started: float) -> None:
        if isinstance(result, NothingToDo):
            code = result.code
            self._tell(run, TenantOutcome(tenant_id.value, Result.SKIPPED, code), started)
            return
        outcome = TenantOutcome(tenant_id.value, Result.DONE, backup_id=result.backup_id, bytes=result.bytes)
        self._tell(run, outcome, started, keep_earlier=result.was_done_before)

    def _tell(self, run: RunId | None, outcome: TenantOutcome, started: float, *, keep_earlier: bool = False) -> None:
        if run is not None:
            outcome = replace(outcome, seconds=round(time.monotonic() - started, 3))
            self._runs.put_outcome(run, outcome, keep_earlier=keep_earlier)
