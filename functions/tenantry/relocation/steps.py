"""Takes a tenant from one home to another: a move to another server, or a promotion. Every step may be repeated.

Where the tenant lives is what its secret says. Until that is written anew, everything can be taken back, and is when a
step fails; from then on the work can only be finished.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.contents.home_copier import HomeCopier
from tenantry.contents.residents import Both, Resident
from tenantry.contents.steadiness import repeat_while_rewritten
from tenantry.database.connecting import ConnectSettings
from tenantry.database.marks import ignore_name_taken
from tenantry.database.tenant_connection import TenantConnection
from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import CopyFailed, DatabaseUnavailable, TenantryError, TenantUnknown
from tenantry.domain.operation import Operation, tenant_of
from tenantry.domain.relocation import LOST_SINCE, Journey, journey_of
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId
from tenantry.homes.copy_login import drop_copy_login
from tenantry.homes.ties import require_untied
from tenantry.operations.operations import Step
from tenantry.relocation.residence import Residence
from tenantry.servers.servers import Servers

# How a server answers a login whose password is right, and which may not connect to that database.
_CLOSED = "42501"

__all__ = ["Relocation", "tenant_of"]


class Relocation(Residence):
    """The steps of a move and of a promotion."""

    def __init__(
        self, registry: Registry, servers: Servers, secrets: SecretStore, copier: HomeCopier, connect: ConnectSettings
    ) -> None:
        """Take the adapters; `connect` is how the tenant's login is tried."""
        super().__init__(registry, servers, secrets, copier)
        self._connect = connect
        # What this worker knows of its own work; another one makes it anew.
        self._emptied: set[str] = set()
        self._read: dict[str, Both] = {}

    def steps(self) -> Sequence[Step]:
        """List the steps in their order."""
        return (
            Step("prepare", self._prepare),
            Step("fence", self._fence),
            Step("copy", self._copy),
            Step("compare", self._compare),
            Step("switch", self.switch),
            Step("settle", self._settle),
        )

    def give_up(self, operation: Operation) -> Operation:
        """Let the tenant write again where it is, when a step has failed before the switch.

        Everything is then done anew: what is written from now on is not in the copy.
        """
        if not self.is_under_way(operation):
            return operation
        if self.has_arrived(operation):
            return replace(operation, facts=operation.facts | {"arrived": True})
        if "prepare" in operation.done:
            self.reopen(operation)
        return replace(operation, done=())

    def _prepare(self, operation: Operation) -> dict[str, Any] | None:
        self.tenant(operation)
        journey = journey_of(operation.facts)
        if self.has_arrived(operation):
            return None
        self.admit(operation, journey.source)
        if journey.leaves_server:
            self.make_roles(operation, journey.target.server_id)
        # Until the tenant has left what it shares with others, nothing reads more than the tenant itself.
        with ignore_name_taken():
            self.give_dump_logins(operation, journey.source.isolation, is_leaving=True)
        self.make_room(operation)
        self._emptied.add(operation.operation_id)
        return None

    def make_room(self, operation: Operation) -> None:
        """Make the target anew, empty or with the tables that rows are copied into; nobody can connect to it."""
        journey, target = journey_of(operation.facts), self.target(operation)
        # What is made anew is dropped first: it must not be where the tenant lives, under another server's id.
        self.servers.require_two(journey.source.server_id, journey.target.server_id)
        # A worker that was killed may have left programs that still fill it.
        drop_copy_login(self.servers.connector(journey.target.server_id), tenant_of(operation), journey.target.database)
        target.make_empty(self.options(operation))
        if not journey.copies_schema and journey.target.isolation is not Isolation.POOLED:
            target.upgrade()
            target.grant()
        target.close()
        target.unfence()

    def _fence(self, operation: Operation) -> dict[str, Any] | None:
        self.tenant(operation)
        if self.has_arrived(operation):
            return None
        began = time.time()
        self.source(operation).fence()
        return {"fenced_at": began}

    def _copy(self, operation: Operation) -> dict[str, Any] | None:
        self.tenant(operation)
        if self.has_arrived(operation):
            return None
        if operation.operation_id not in self._emptied:
            # Another worker may have filled it in part.
            self.make_room(operation)
        self._emptied.discard(operation.operation_id)
        return self.copy(operation)

    def copy(self, operation: Operation) -> dict[str, Any]:
        """Fill the target, for which there is room, and read both homes."""
        began = time.monotonic()
        source, target = self.residents(operation)

        def empty() -> None:
            # Tables of its own are emptied in the transaction that fills them.
            if journey_of(operation.facts).copies_schema or target.home.isolation is Isolation.POOLED:
                self.make_room(operation)

        copied = repeat_while_rewritten(lambda: self.copier.copy(source, target), self.copier.deadline, empty)
        self._read[operation.operation_id] = copied
        return {"copy_ms": _milliseconds(began)}

    def _compare(self, operation: Operation) -> dict[str, Any] | None:
        self.tenant(operation)
        if self.has_arrived(operation):
            return None
        both = self._read.pop(operation.operation_id, None) or self.copier.read_both(*self.residents(operation))
        both.require_same()
        counted = {"tables": len(both.target.tables), "rows": both.target.rows}
        return counted | {"mark": both.mark, "source_mark": both.source_mark, "fingerprint": both.definitions}

    def switch(self, operation: Operation) -> dict[str, Any]:
        """Let the tenant live in the target: from here on the work can only be finished."""
        tenant_id, journey = tenant_of(operation), journey_of(operation.facts)
        facts: dict[str, Any] = {}
        closed = 0.0
        if not self.has_arrived(operation):
            self._require_login(operation, journey)
            closed = self._leave(operation)
            self.secrets.write(tenant_id, self.copier.at(journey.target, self.secrets.read(tenant_id)))
        # Without them, a backup is made as the tenant itself: what others call like them does not stop a move.
        with ignore_name_taken():
            self.give_dump_logins(operation, journey.target.isolation)
        self.target(operation).open()
        opened = time.time()
        if closed:
            facts["read_pause_ms"] = round((opened - closed) * 1000)
        facts["write_pause_ms"] = round((opened - operation.facts.get("fenced_at", opened)) * 1000)
        self._note_cutover(operation, journey)
        # The password, the right to connect, and that the database says it is this tenant's.
        TenantConnection(tenant_id, self.secrets.read(tenant_id), self._connect).close()
        return facts

    def rename_place(self, operation: Operation) -> None:
        """Write down that the tenant lives in the target, which is the very home that it has: nothing is touched."""
        tenant_id, journey = tenant_of(operation), journey_of(operation.facts)
        if not self.has_arrived(operation):
            self.secrets.write(tenant_id, self.copier.at(journey.target, self.secrets.read(tenant_id)))
        self._note_cutover(operation, journey)

    def _leave(self, operation: Operation) -> float:
        """Close the home that the tenant leaves; returns since when nobody is served, 0 where nobody was."""
        home = journey_of(operation.facts).source
        if operation.facts.get(LOST_SINCE) and self.servers.is_lost(home.server_id):
            return 0.0
        require_untied(self.servers.connector(home.server_id), tenant_of(operation), home)
        closed = time.time()
        self.source(operation).close()
        self._require_unwritten(operation)
        return closed

    def _require_unwritten(self, operation: Operation) -> None:
        """Look once more at the place that nobody can connect to any more.

        A fence is a login's default: whoever has the tenant's secret and says READ WRITE gets past it.

        :raises CopyFailed: rows or rights were changed there after they were read for the copy.
        """
        source, target = self.residents(operation)
        same_rights = self.copier.same_rights(source, target)
        if self.copier.mark_closed(source) != operation.facts.get("source_mark") or not same_rights:
            raise CopyFailed(
                "Somebody who logs in as the tenant has written in spite of the fence.",
                code="written_meanwhile",
                hint="Stop the application that uses the tenant's secret itself, and repeat the call.",
            )

    def _require_login(self, operation: Operation, journey: Journey) -> None:
        """Make sure that the target's server knows the password that the tenant's secret has now.

        It refuses because the home is closed, once the password was right.
        """
        tenant_id = self.tenant(operation).tenant_id
        credentials = self.copier.at(journey.target, self.secrets.read(tenant_id))
        if _refusal(tenant_id, credentials, self._connect) != _CLOSED:
            # Rotated since the roles were made.
            self.make_roles(operation, journey.target.server_id)
            if _refusal(tenant_id, credentials, self._connect) != _CLOSED:
                raise DatabaseUnavailable("The tenant can't log in at its new place.", code="login_refused")

    def _note_cutover(self, operation: Operation, journey: Journey) -> None:
        tenant = self.registry.tenant(tenant_of(operation))
        if tenant is None:
            raise TenantUnknown()
        arrived = replace(
            tenant,
            server_id=journey.target.server_id,
            isolation=journey.target.isolation,
            schema_revision=operation.facts["schema_revision"],
            former_home=journey.source,
        )
        self.registry.put_tenant(arrived)

    def _settle(self, operation: Operation) -> None:
        """Let the planner know the new tables, and let others at the tenant again."""
        if self.is_under_way(operation):
            self._analyse(self.tenant(operation), journey_of(operation.facts).target)
            self.release(operation)

    def _analyse(self, tenant: Tenant, home: Home) -> None:
        if home.isolation is Isolation.POOLED:
            return
        self.copier.analyse(Resident(tenant.tenant_id, home, self.secrets.read(tenant.tenant_id)))


def _refusal(tenant_id: TenantId, credentials: Credentials, connect: ConnectSettings) -> str:
    """Try to log in; the code of the refusal, empty where there is none."""
    try:
        with closing(TenantConnection(tenant_id, credentials, connect)):
            return ""
    except TenantryError as error:
        return error.code


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
