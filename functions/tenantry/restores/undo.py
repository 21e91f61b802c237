"""Undoes a finished restore, or abandons one that stopped half-way. Neither loses data.

An undo swaps once more: it keeps the restored data, with everything written since, until the undo is confirmed.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tenantry.domain.errors import Conflict
from tenantry.domain.home import home_of_facts
from tenantry.domain.operation import Operation, tenant_of
from tenantry.domain.restore import kept_home
from tenantry.domain.tenant import Home, Isolation
from tenantry.homes.gone import ignore_gone
from tenantry.homes.swapping import drop_database
from tenantry.operations.operations import Step
from tenantry.restores.cutover import Cutover
from tenantry.restores.steps import Restoration
from tenantry.restores.swap_own import Swap, SwapStrategy
from tenantry.restores.swap_schema import SchemaExchange
from tenantry.servers.servers import Servers


class RestoreReturn:
    """Undoes a restore: swaps the tenant back to its former data."""

    def __init__(self, restoration: Restoration, cutover: Cutover, servers: Servers) -> None:
        """Take the restoration to undo, and the adapters."""
        self._restoration = restoration
        self._cutover = cutover
        self._servers = servers

    def steps(self) -> Sequence[Step]:
        """List the steps in their order."""
        return Step("keep", self._keep), Step("swap", self._swap), Step("settle", self._settle)

    def give_up(self, operation: Operation) -> Operation:
        """Compensate a step that failed before the swap: reopen the tenant's present home."""
        if not self._restoration.is_under_way(operation) or self._is_swapped(operation):
            return operation
        if not _leaves_server(operation) and not self._servers.is_lost(_home(operation).server_id):
            with ignore_gone():
                self._strategy(operation).finish(_swap_of(operation))
        self._cutover.release(operation)
        return replace(operation, done=())

    def _keep(self, operation: Operation) -> dict[str, Any]:
        self._require_own(operation)
        if _leaves_server(operation):
            # A rotation since the restore has changed the password, or the login in use.
            self._cutover.renew_roles(operation, _former(operation))
        else:
            self._strategy(operation).keep(_swap_of(operation))
        return {"closed_at": time.time()}

    def _swap(self, operation: Operation) -> dict[str, Any]:
        self._require_own(operation)
        began = time.time()
        home, former, revision = _home(operation), _former(operation), operation.facts["former_revision"]
        if _leaves_server(operation):
            self._cutover.switch(tenant_of(operation), former, home)
            self._servers.home(tenant_of(operation), former).open()
            self._cutover.note(operation, former, home, revision)
        else:
            strategy, swap = self._strategy(operation), _swap_of(operation)
            if not strategy.is_swapped(swap):
                strategy.swap(swap, _source(home, former))
            strategy.finish(swap)
            self._cutover.note(operation, home, swap.kept, revision)
        # For an undo of this undo.
        return {
            "refused_ms": round((time.time() - began) * 1000),
            "former_revision": operation.facts["schema_revision"],
        }

    def _settle(self, operation: Operation) -> None:
        if not self._restoration.is_under_way(operation):
            return
        home, former = _home(operation), _former(operation)
        if home.isolation is Isolation.POOLED and not _leaves_server(operation):
            # The rows that it kept are in the shared tables again.
            drop_database(self._servers.connector(home.server_id), former.database)
        self._cutover.settle(operation)

    def _is_swapped(self, operation: Operation) -> bool:
        if "swap" in operation.done:
            return True
        if _leaves_server(operation):
            return self._cutover.leads_to(tenant_of(operation), _former(operation))
        if self._servers.is_lost(_home(operation).server_id):
            return False
        return "keep" in operation.done and self._strategy(operation).is_swapped(_swap_of(operation))

    def _strategy(self, operation: Operation) -> SwapStrategy:
        isolation = _home(operation).isolation
        # Both schemas lie there, under the name that they had: they only exchange it.
        return SchemaExchange(self._servers) if isolation is Isolation.SCHEMA else self._restoration.strategy(isolation)

    def _require_own(self, operation: Operation) -> None:
        if not self._restoration.is_under_way(operation):
            raise Conflict(
                "The tenant is not this operation's any more.",
                code="operation_over",
                hint="GET /admin/v1/tenants/{tenant_id} names the operation that holds it, if one does.",
            )


class RestoreAbandonment:
    """Abandons a restore whose worker died before the swap."""

    def __init__(self, restoration: Restoration, cutover: Cutover) -> None:
        """Take the restoration to undo, and the adapters."""
        self._restoration = restoration
        self._cutover = cutover

    def steps(self) -> Sequence[Step]:
        """List the steps in their order."""
        return (Step("take_back", self._take_back), Step("forget", self._forget))

    def _take_back(self, operation: Operation) -> None:
        begun = replace(operation, operation_id=operation.facts["abandoned"], done=tuple(operation.facts["begun"]))
        if self._restoration.is_swapped(begun):
            # After its swap a restore can only be finished: give the tenant back to that operation.
            self._cutover.hand_over(operation, begun.operation_id)
            raise Conflict(
                "What was restored has taken its place already.",
                code="already_switched",
                hint="Repeat the call that restores it; then it can be undone.",
            )
        self._restoration.take_back(begun)

    def _forget(self, operation: Operation) -> None:
        self._cutover.release(operation)


def _home(operation: Operation) -> Home:
    return home_of_facts(operation.facts["home"])


def _former(operation: Operation) -> Home:
    return home_of_facts(operation.facts["former"])


def _leaves_server(operation: Operation) -> bool:
    return _home(operation).server_id != _former(operation).server_id


def _source(home: Home, former: Home) -> Home:
    return replace(former, isolation=home.isolation)


def _swap_of(operation: Operation) -> Swap:
    tenant_id, home, former = tenant_of(operation), _home(operation), _former(operation)
    staging = former.schema if home.isolation is Isolation.SCHEMA else former.database
    return Swap(tenant_id, home, staging, kept_home(tenant_id, home, operation.operation_id), has_home=True)
