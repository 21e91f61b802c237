"""Starts operations and performs them step by step, so that a worker's death costs no more than repeating a step."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.timer import Timer
from tenantry.aws.unreached_services import with_the_way_out
from tenantry.domain.errors import Conflict, Details, NotFound, TenantryError
from tenantry.domain.operation import UNDO_UNTIL, UNDONE, Operation, OperationStatus
from tenantry.domain.operation_expiry import NO_WAY_BACK, is_over
from tenantry.domain.paging import Page, PageRequest
from tenantry.domain.ulid import new_ulid
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationFilter, OperationStore


class Step(NamedTuple):
    """One repeatable step; the dict that it returns is added to the operation's facts."""

    name: str
    run: Callable[[Operation], dict[str, Any] | None]


# The code of a step that finds its tenant held by this operation no more.
_OVER = "operation_over"
# Of what an error says: a tenant's own trigger may say anything, and an item holds 400 KB.
_MAX_DETAILS = 2_000

type Workflows = Mapping[str, Sequence[Step]]
# For each kind, what undoes the partial work after a failed step; it returns the operation's new state.
type Compensations = Mapping[str, Callable[[Operation], Operation]]


class Operations:
    """Starts and shows the work of operators that takes longer than a request may."""

    def __init__(self, store: OperationStore, invoker: FunctionInvoker, timer: Timer) -> None:
        """Take the store of operations, and what starts the performing function: now (`invoker`) or later (`timer`)."""
        self._store = store
        self._invoker = invoker
        self._timer = timer

    def start(
        self, kind: str, target: str, actor: str, at: datetime | None = None, facts: dict[str, Any] | None = None
    ) -> Operation:
        """Start an operation, or resume the unfinished one of this kind on this target.

        :param at: start the operation at this time instead of now; until then it can be undone.
        :param facts: the first facts of a new operation, as JSON values.
        :raises DependencyFailed: the operation could not be started; repeat the call to start it.
        """
        open_one = self._unfinished(kind, target)
        operation = (
            replace(open_one, status=OperationStatus.RUNNING, error=None)
            if open_one
            else replace(_new(kind, target, actor), facts=facts or {})
        )
        if at is None and UNDO_UNTIL in operation.facts:
            # It begins now, and not when its time has come.
            facts = {name: fact for name, fact in operation.facts.items() if name != UNDO_UNTIL}
            operation = replace(operation, facts=facts)
        self._store.put(operation)
        event = {"operation_id": operation.operation_id}
        if at:
            self._timer.start_at(at, _timer_name(operation), event)
        else:
            self._invoker.start(event)
        return operation

    def begin(self, kind: str, target: str, actor: str, facts: dict[str, Any]) -> Operation:
        """Store a new operation, which `launch` starts.

        :raises DependencyFailed: the operation could not be stored.
        """
        operation = replace(_new(kind, target, actor), facts=facts)
        self._store.put(operation)
        return operation

    def resume(self, operation: Operation) -> Operation:
        """Mark an unfinished operation as running again, for `launch`; the caller holds its target's lease.

        :raises DependencyFailed: the operation could not be stored.
        """
        operation = replace(operation, status=OperationStatus.RUNNING, error=None)
        self._store.put(operation)
        return operation

    def give_up(self, operation: Operation) -> None:
        """End an operation that another one replaces; the caller holds its target's lease.

        :raises DependencyFailed: the operation could not be stored.
        """
        self._store.put(replace(operation, status=OperationStatus.FAILED, error=UNDONE))

    def launch(self, operation: Operation) -> None:
        """Start to perform an operation now.

        :raises DependencyFailed: the operation could not be started; `resume` and another `launch` start it.
        """
        self._invoker.start({"operation_id": operation.operation_id})

    def require_untouched(self, kind: str, target: str) -> None:
        """Make sure that an operation can still be undone.

        :raises Conflict: at least one step is done.
        """
        operation = self._unfinished(kind, target)
        if operation and operation.done:
            raise Conflict(
                "The operation has begun.", code="operation_begun", hint="Start it again, so that it is finished."
            )

    def undo(self, kind: str, target: str) -> None:
        """Cancel an operation that waits for its start time.

        :raises DependencyFailed: the operation could not be cancelled.
        """
        operation = self._unfinished(kind, target)
        if operation:
            self._timer.cancel(_timer_name(operation))
            self._store.put(replace(operation, status=OperationStatus.FAILED, error=UNDONE))

    def unfinished(self, kind: str, target: str) -> Operation | None:
        """Find the unfinished operation of this kind on this target, which `start` resumes; None if there is none."""
        return self._unfinished(kind, target)

    def get(self, operation_id: str) -> Operation:
        """Look an operation up.

        :raises NotFound: there is no such operation.
        """
        operation = self._store.get(operation_id)
        if operation is None:
            raise NotFound(
                "There is no such operation.",
                code="operation_unknown",
                hint="GET /admin/v1/operations lists the newest.",
            )
        return operation

    def page(self, wanted: OperationFilter, request: PageRequest) -> Page[Operation]:
        """Read a page of the operations that are wanted, newest first.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return self._store.page(wanted, request)

    def newest(self, limit: int, target: str, kind: str = "") -> list[Operation]:
        """List the newest operations on one thing; `kind` narrows the list."""
        return list(islice(self._store.about(target, kind), limit))

    def unfinished_page(self, kind: str, since: datetime, request: PageRequest) -> Page[Operation]:
        """Read a page of the operations of a kind that were asked for since then and have not succeeded, newest first.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return self._store.page(OperationFilter(kind=kind, since=since, unsuccessful=True), request)

    def unfinished_since(self, kind: str, since: datetime) -> Iterator[Operation]:
        """Yield all of them."""
        return self._store.walk(OperationFilter(kind=kind, since=since, unsuccessful=True))

    def _unfinished(self, kind: str, target: str) -> Operation | None:
        newest = next(self._store.about(target, kind), None)
        # The index may not know yet how it ended.
        newest = self._store.get(newest.operation_id) if newest else None
        # An undone operation is over. A new request makes a new operation, so that the certificate names its requester.
        return None if newest is None or is_over(newest.status, newest.error) else newest


class Performer:
    """Performs operations in a worker that may run long enough."""

    def __init__(
        self,
        store: OperationStore,
        leases: Leases,
        workflows: Workflows,
        compensations: Compensations | None = None,
        begin: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the workflow of each kind of operation, the compensations after a failed step, and what begins one."""
        self._begin = begin
        self._store = store
        self._leases = leases
        self._workflows = workflows
        self._compensations = compensations or {}

    def perform(self, operation_id: str) -> Operation:
        """Perform the steps that are not done yet.

        :raises TenantryError: a step failed. The operation has the code, and starting it again continues at that step.
        """
        self._begin()
        kind, _, name = self._get(operation_id).target.partition("/")
        # The lease is refused while another worker works on this target, perhaps on this operation: only the lease's
        # holder may write the operation's state.
        with self._leases.hold(kind, name):
            return self.perform_held(operation_id)

    def perform_held(self, operation_id: str) -> Operation:
        """Perform the steps that are not done yet; the caller holds its target's lease.

        :raises TenantryError: a step failed, as in `perform`.
        """
        operation = self._get(operation_id)
        if is_over(operation.status, operation.error):
            return operation
        try:
            return self._do_steps(operation)
        except TenantryError as error:
            self._fail(operation_id, with_the_way_out(error))
            raise
        except Exception:
            self._fail(operation_id, TenantryError())
            raise

    def _do_steps(self, operation: Operation) -> Operation:
        for step in self._workflows[operation.kind]:
            if step.name in operation.done:
                continue
            found = step.run(operation) or {}
            operation = replace(operation, done=(*operation.done, step.name), facts=operation.facts | found)
            self._store.put(operation)
        if operation.kind in NO_WAY_BACK:
            self._store.let_go(operation.target)
        operation = replace(operation, status=OperationStatus.SUCCEEDED, error=None)
        self._store.put(operation)
        return operation

    def _fail(self, operation_id: str, error: TenantryError) -> None:
        """Record the failure on the operation as its last step left it, and run its compensation."""
        current = self._get(operation_id)
        compensation = self._compensations.get(current.kind)
        try:
            current = compensation(current) if compensation else current
        finally:
            facts = current.facts | ({"error_details": _bounded(error.details)} if error.details else {})
            # Lambda delivers an event again: what has let its tenant go by then has failed of what it had failed of.
            code = current.error if current.error and error.code == _OVER else error.code
            self._store.put(replace(current, status=OperationStatus.FAILED, error=code, facts=facts))

    def _get(self, operation_id: str) -> Operation:
        operation = self._store.get(operation_id)
        if operation is None:
            raise NotFound(
                "There is no such operation.",
                code="operation_unknown",
                hint="GET /admin/v1/operations lists the newest.",
            )
        return operation


def _bounded(details: Details) -> Details:
    """Keep as much of an error's details as somebody reads."""
    if isinstance(details, str):
        return details if len(details) <= _MAX_DETAILS else f"{details[:_MAX_DETAILS]}…"
    kept: list[dict[str, str]] = []
    for detail in details or ():
        if len(json.dumps([*kept, detail])) > _MAX_DETAILS:
            break
        kept.append(detail)
    return kept


def _timer_name(operation: Operation) -> str:
    return f"tenantry-{operation.operation_id}"


def _new(kind: str, target: str, actor: str) -> Operation:
    now = datetime.now(UTC)
    return Operation(new_ulid(now), kind, target, actor, now)
