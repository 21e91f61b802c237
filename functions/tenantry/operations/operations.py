"""Starts operations, and performs them step by step, so that a worker's death costs no more than a repetition."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.timer import Timer
from tenantry.domain.errors import Conflict, NotFound, TenantryError
from tenantry.domain.operation import Operation, OperationStatus
from tenantry.domain.ulid import new_ulid
from tenantry.operations.leases import Leases
from tenantry.operations.operation_store import OperationStore


class Step(NamedTuple):
    """One step: it may be repeated, and what it returns is added to the operation's facts."""

    name: str
    run: Callable[[Operation], dict[str, Any] | None]


_UNDONE = "undone"

type Workflows = Mapping[str, Sequence[Step]]
# What is taken back when a step has failed; gives the operation as it then is.
type Compensations = Mapping[str, Callable[[Operation], Operation]]


class Operations:
    """What operators ask for that takes longer than a request may."""

    def __init__(self, store: OperationStore, invoker: FunctionInvoker, timer: Timer) -> None:
        """Take where operations are kept, and the function that performs them, now or later."""
        self._store = store
        self._invoker = invoker
        self._timer = timer

    def start(
        self, kind: str, target: str, actor: str, at: datetime | None = None, facts: dict[str, Any] | None = None
    ) -> Operation:
        """Start an operation, or take up again the one of this kind on this target that has not ended well.

        :param at: start it then, and not now; until then it can be undone.
        :param facts: what a new one knows from the beginning, as JSON values.
        :raises DependencyFailed: it could not be started; the same call starts it.
        """
        open_one = self._unfinished(kind, target)
        operation = (
            replace(open_one, status=OperationStatus.RUNNING, error=None)
            if open_one
            else replace(_new(kind, target, actor), facts=facts or {})
        )
        self._store.put(operation)
        event = {"operation_id": operation.operation_id}
        if at:
            self._timer.start_at(at, _timer_name(operation), event)
        else:
            self._invoker.start(event)
        return operation

    def begin(self, kind: str, target: str, actor: str, facts: dict[str, Any]) -> Operation:
        """Write down a new operation, which `launch` starts.

        :raises DependencyFailed: it could not be written.
        """
        operation = replace(_new(kind, target, actor), facts=facts)
        self._store.put(operation)
        return operation

    def resume(self, operation: Operation) -> Operation:
        """Take up again one that has not ended well, which `launch` starts; hold its target's lease meanwhile.

        :raises DependencyFailed: it could not be written.
        """
        operation = replace(operation, status=OperationStatus.RUNNING, error=None)
        self._store.put(operation)
        return operation

    def give_up(self, operation: Operation) -> None:
        """End one for good that another takes the place of; hold its target's lease meanwhile.

        :raises DependencyFailed: it could not be written.
        """
        self._store.put(replace(operation, status=OperationStatus.FAILED, error=_UNDONE))

    def launch(self, operation: Operation) -> None:
        """Have an operation performed now.

        :raises DependencyFailed: it could not be started; `resume` and this start it.
        """
        self._invoker.start({"operation_id": operation.operation_id})

    def require_untouched(self, kind: str, target: str) -> None:
        """Make sure that an operation can still be undone.

        :raises Conflict: a step of it has been done.
        """
        operation = self._unfinished(kind, target)
        if operation and operation.done:
            raise Conflict(
                "The operation has begun.", code="operation_begun", hint="Start it again, so that it is finished."
            )

    def undo(self, kind: str, target: str) -> None:
        """Give up an operation that waits for its moment.

        :raises DependencyFailed: it could not be cancelled.
        """
        operation = self._unfinished(kind, target)
        if operation:
            self._timer.cancel(_timer_name(operation))
            self._store.put(replace(operation, status=OperationStatus.FAILED, error=_UNDONE))

    def unfinished(self, kind: str, target: str) -> Operation | None:
        """Find the operation of this kind on this target that has not ended well: the one that `start` takes up."""
        return self._unfinished(kind, target)

    def get(self, operation_id: str) -> Operation:
        """Look one up.

        :raises NotFound: there is no such operation.
        """
        operation = self._store.get(operation_id)
        if operation is None:
            raise NotFound("There is no such operation.", code="operation_unknown")
        return operation

    def newest(self, limit: int, kind: str | None = None, target: str | None = None) -> list[Operation]:
        """List the newest, of one kind or of all, on one thing or on all."""
        found = (o for o in self._store.newest() if kind in {None, o.kind} and target in {None, o.target})
        return list(islice(found, limit))

    def _unfinished(self, kind: str, target: str) -> Operation | None:
        newest = next((o for o in self._store.newest() if (o.kind, o.target) == (kind, target)), None)
        # One that was undone is over: whoever asks again asks anew, and stands in the certificate.
        over = newest is None or newest.status is OperationStatus.SUCCEEDED or newest.error == _UNDONE
        return None if over else newest


class Performer:
    """Performs operations in a worker that has the time for it."""

    def __init__(
        self, store: OperationStore, leases: Leases, workflows: Workflows, compensations: Compensations | None = None
    ) -> None:
        """Take the steps of each kind of operation, and what is done when one of them has failed."""
        self._store = store
        self._leases = leases
        self._workflows = workflows
        self._compensations = compensations or {}

    def perform(self, operation_id: str) -> Operation:
        """Do the steps that are not done yet.

        :raises TenantryError: a step failed; the operation says so, and starting it again goes on from there.
        """
        kind, _, name = self._get(operation_id).target.partition("/")
        # Refused where somebody else works on this target, perhaps on this operation: its state is theirs to write.
        with self._leases.hold(kind, name):
            operation = self._get(operation_id)
            if operation.status is OperationStatus.SUCCEEDED or operation.error == _UNDONE:
                return operation
            try:
                return self._do_steps(operation)
            except TenantryError as error:
                self._fail(operation_id, error)
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
        operation = replace(operation, status=OperationStatus.SUCCEEDED, error=None)
        self._store.put(operation)
        return operation

    def _fail(self, operation_id: str, error: TenantryError) -> None:
        """Note the failure on the operation as its last step left it, and take back what must not stay so."""
        current = self._get(operation_id)
        compensation = self._compensations.get(current.kind)
        try:
            current = compensation(current) if compensation else current
        finally:
            facts = current.facts | ({"error_details": error.details} if error.details else {})
            self._store.put(replace(current, status=OperationStatus.FAILED, error=error.code, facts=facts))

    def _get(self, operation_id: str) -> Operation:
        operation = self._store.get(operation_id)
        if operation is None:
            raise NotFound("There is no such operation.", code="operation_unknown")
        return operation


def _timer_name(operation: Operation) -> str:
    return f"tenantry-{operation.operation_id}"


def _new(kind: str, target: str, actor: str) -> Operation:
    now = datetime.now(UTC)
    return Operation(new_ulid(now), kind, target, actor, now)
