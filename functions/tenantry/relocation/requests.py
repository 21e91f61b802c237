"""Takes an operator's requests to move, promote, confirm and undo: checks them, and starts the operations."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.contents.omissions import require_copyable
from tenantry.domain.changeable import moving, require_complete, require_settled
from tenantry.domain.errors import BadRequest, Conflict
from tenantry.domain.home import credentials_at, moved, place_of
from tenantry.domain.operation import MARKED, Operation, OperationStatus
from tenantry.domain.operation_kinds import RENAME
from tenantry.domain.relocation import ABANDON, CONFIRM, DAMAGED, MOVE, PROMOTE, UNDO, Journey, journey_of, promoted
from tenantry.domain.restore import ABANDON_RESTORE, RESTORE, UNDO_RESTORE
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId
from tenantry.homes.factory import home_of
from tenantry.homes.swapping import readmit
from tenantry.homes.ties import require_untied
from tenantry.homes.withheld import require_readable
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.operations.operations import Operations
from tenantry.relocation.move_checks import (
    require_extensions_there,
    require_newest_revision,
    require_no_strangers,
    require_server,
)
from tenantry.relocation.residence import home_in_use, require_options
from tenantry.relocation.undo import require_present
from tenantry.revisions.history import head_revision
from tenantry.servers.servers import Servers
from tenantry.tenants.rename_requests import give_up_rename
from tenantry.tenants.renaming import new_id
from tenantry.tenants.retired_ids import known_tenant

_SEARCHED = 1_000


class Relocations:
    """Starts operators' operations. A refused call changes nothing."""

    def __init__(
        self, registry: Registry, secrets: SecretStore, servers: Servers, leases: Leases, operations: Operations
    ) -> None:
        """Take the adapters."""
        self._registry = registry
        self._secrets = secrets
        self._servers = servers
        self._leases = leases
        self._operations = operations

    def move(self, tenant_id: TenantId, server_id: str, actor: str) -> Operation:
        """Start to move a tenant to another server, or resume a move there that has failed.

        :raises BadRequest: the tenant is on that server already.
        :raises NotFound: there is no such tenant or server.
        :raises Conflict: the server has no room, the tenant can't be moved now, or another relocation is under way.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = self._movable(tenant_id)
            home = home_of(tenant, self._secrets.find(tenant_id))
            operation = self._unfinished(tenant, MOVE)
            if operation is None:
                if server_id == tenant.server_id:
                    raise BadRequest(
                        "The tenant lies on that server already.",
                        code="same_place",
                        hint="Nothing has to be done; or name another place.",
                    )
                require_server(self._servers, tenant, server_id)
                self._require_untied(tenant_id, home)
                # Its owner may have shut it: we look into it.
                readmit(self._servers.connector(home.server_id), tenant_id, home)
                require_no_strangers(self._servers, tenant_id, home)
                require_readable(self._servers.connector(home.server_id), tenant_id, home, dumped=True)
                require_copyable(self._servers.connector(home.server_id), tenant_id, home)
                require_extensions_there(self._servers, home, server_id)
                journey = Journey(home, moved(home, server_id))
                require_options(self._servers, journey.source, journey.target)
                self._servers.admin(server_id).require_names(tenant_id, journey.target)
                operation = self._begin(tenant, MOVE, journey, actor)
            elif journey_of(operation.facts).target.server_id != server_id:
                raise moving()
        self._operations.launch(operation)
        return operation

    def promote(self, tenant_id: TenantId, isolation: Isolation, actor: str) -> Operation:
        """Start to promote a tenant to a schema or a database of its own, or resume a promotion that has failed.

        :raises BadRequest: the tenant has that isolation already, or a stronger one.
        :raises TenantUnknown: there is no such tenant.
        :raises Conflict: the tenant can't be promoted now.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = self._movable(tenant_id)
            operation = self._unfinished(tenant, PROMOTE)
            if operation is None:
                home = home_of(tenant, self._secrets.find(tenant_id))
                if isolation is home.isolation:
                    raise BadRequest(
                        f"The tenant's isolation is '{isolation}' already.",
                        code="same_place",
                        hint="Nothing has to be done; or name another place.",
                    )
                journey = Journey(home, promoted(tenant_id, home, isolation))
                self._require_untied(tenant_id, home)
                connect = self._servers.connector(home.server_id)
                require_readable(connect, tenant_id, home, dumped=journey.copies_schema)
                require_copyable(connect, tenant_id, home)
                self._servers.admin(home.server_id).require_names(tenant_id, journey.target, is_listed=True)
                if home.isolation is Isolation.POOLED:
                    require_newest_revision(self._servers, home)
                operation = self._begin(tenant, PROMOTE, journey, actor)
            elif journey_of(operation.facts).target.isolation is not isolation:
                raise moving()
        self._operations.launch(operation)
        return operation

    def confirm(self, tenant_id: TenantId, actor: str) -> Operation:
        """Start to drop the home that a tenant has left; the relocation can't be undone after that.

        :raises TenantUnknown: there is no such tenant.
        :raises Conflict: there is nothing to confirm, or the tenant is being moved.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = self._stable(tenant_id)
            refused = self._refused_return(tenant)
            operation = None if refused else self._unfinished(tenant, CONFIRM)
            if operation is None:
                former = self._droppable(tenant)
                self._require_untied(tenant_id, former)
                is_damaged = refused is not None and refused.error == DAMAGED
                if not is_damaged:
                    require_present(self._servers, tenant, former)
                facts = {"former_home": asdict(former), "stays": refused is not None, DAMAGED: is_damaged}
                operation = self._begin_with(tenant, CONFIRM, facts, actor)
                if refused:
                    self._operations.give_up(refused)
        self._operations.launch(operation)
        return operation

    def undo(self, tenant_id: TenantId, actor: str) -> Operation:
        """Start to undo a tenant's last move, promotion or restore, whether it has finished or not.

        :raises TenantUnknown: there is no such tenant.
        :raises Conflict: there is nothing to undo, the relocation has switched but not ended, or it is being confirmed.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = self._stable(tenant_id)
            begun = self._operations.get(tenant.relocation) if tenant.relocation else None
            if begun and begun.kind in {MOVE, PROMOTE}:
                operation = self._take_over(tenant, begun, actor)
            elif begun and begun.kind == RESTORE:
                operation = self._abandon_restore(tenant, begun, actor)
            elif begun and begun.kind in {UNDO, ABANDON, UNDO_RESTORE, ABANDON_RESTORE}:
                operation = self._operations.resume(begun)
            elif begun and begun.kind == RENAME:
                # There is nothing to perform: nothing but two entries of the registry was made.
                return self._abandon_rename(begun)
            elif begun:
                raise moving()
            else:
                operation = self._begin_return(tenant, actor)
        self._operations.launch(operation)
        return operation

    def _abandon_rename(self, begun: Operation) -> Operation:
        with self._leases.hold(TENANT_LEASE, new_id(begun).value):
            give_up_rename(self._registry, begun)
            self._operations.give_up(begun)
        return self._operations.get(begun.operation_id)

    def _droppable(self, tenant: Tenant) -> Home:
        """Return the home that a confirmation drops, before it holds the tenant: one that is not in use."""
        if tenant.former_home is None:
            raise Conflict(
                "The tenant has no former place to drop.",
                code="nothing_to_confirm",
                hint="GET /admin/v1/tenants/{tenant_id} shows what it has: `former_home` can be confirmed.",
            )
        if home_of(tenant, self._secrets.find(tenant.tenant_id)) == tenant.former_home:
            raise home_in_use()
        return tenant.former_home

    def _refused_return(self, tenant: Tenant) -> Operation | None:
        """Find the undo that holds the tenant, has failed and has not switched: a confirmation may take its place."""
        begun = self._operations.get(tenant.relocation) if tenant.relocation else None
        if begun is None or begun.kind != UNDO or begun.status is not OperationStatus.FAILED:
            return None
        return None if self._has_switched(tenant, begun) else begun

    def _has_switched(self, tenant: Tenant, begun: Operation) -> bool:
        journey, present = journey_of(begun.facts), self._secrets.find(tenant.tenant_id)
        if present is None:
            return home_of(tenant, None) == journey.target and tenant.former_home == journey.source
        server = self._registry.server(journey.target.server_id)
        return bool(server and place_of(present) == place_of(credentials_at(present, journey.target, server)))

    def _take_over(self, tenant: Tenant, begun: Operation, actor: str) -> Operation:
        """Start to abandon a relocation that has not switched; one that has switched must be finished first."""
        if self._has_switched(tenant, begun):
            raise Conflict(
                "The tenant lives at its new place already.",
                code="already_switched",
                hint="Repeat the call that moves it; then it can be undone.",
            )
        journey = journey_of(begun.facts)
        facts = journey.to_facts() | {"abandoned": begun.operation_id}
        facts |= {name: begun.facts[name] for name in (MARKED,) if name in begun.facts}
        operation = self._begin_with(tenant, ABANDON, facts, actor)
        self._operations.give_up(begun)
        return operation

    def _abandon_restore(self, tenant: Tenant, begun: Operation, actor: str) -> Operation:
        facts = begun.facts | {"abandoned": begun.operation_id, "begun": list(begun.done)}
        operation = self._begin_with(tenant, ABANDON_RESTORE, facts, actor)
        self._operations.give_up(begun)
        return operation

    def _begin_return(self, tenant: Tenant, actor: str) -> Operation:
        if tenant.former_home is None:
            raise Conflict(
                "There is no move or restore to undo.",
                code="nothing_to_undo",
                hint="GET /admin/v1/tenants/{tenant_id} shows what it has: `former_home` can be undone.",
            )
        home = home_of(tenant, self._secrets.find(tenant.tenant_id))
        self._require_untied(tenant.tenant_id, home)
        if self._servers.is_lost(tenant.former_home.server_id):
            raise Conflict(
                "The server of the tenant's former place is lost.",
                code="server_lost",
                hint="Confirm the move; or register that server anew, if it is found again.",
            )
        came = self._last_relocation(tenant, home)
        if came and came.kind in {RESTORE, UNDO_RESTORE}:
            return self._begin_with(
                tenant,
                UNDO_RESTORE,
                {
                    "home": asdict(home),
                    "former": asdict(tenant.former_home),
                    "former_revision": came.facts["former_revision"],
                    "schema_revision": tenant.schema_revision,
                },
                actor,
            )
        facts = Journey(home, tenant.former_home).to_facts()
        facts |= {name: came.facts[name] for name in ("mark", "fingerprint") if came and name in came.facts}
        facts |= _left_as(came) if came else {}
        facts |= {"schema_revision": came.facts["former_revision"] if came else tenant.schema_revision, MARKED: True}
        return self._begin_with(tenant, UNDO, facts, actor)

    def _last_relocation(self, tenant: Tenant, home: Home) -> Operation | None:
        """Find the operation that brought the tenant to its home, be its end written down or not."""
        found = self._operations.newest(_SEARCHED, f"tenant/{tenant.tenant_id}")
        return next((o for o in found if _arrived(o, home)), None)

    def _begin(self, tenant: Tenant, kind: str, journey: Journey, actor: str) -> Operation:
        is_pooled = journey.source.isolation is Isolation.POOLED
        revisions = {
            "schema_revision": head_revision() if is_pooled else tenant.schema_revision,
            "former_revision": tenant.schema_revision,
        }
        return self._begin_with(tenant, kind, journey.to_facts() | revisions | {MARKED: True}, actor)

    def _begin_with(self, tenant: Tenant, kind: str, facts: dict[str, Any], actor: str) -> Operation:
        operation = self._operations.begin(kind, f"tenant/{tenant.tenant_id}", actor, facts)
        self._registry.put_tenant(replace(tenant, relocation=operation.operation_id))
        return operation

    def _unfinished(self, tenant: Tenant, kind: str) -> Operation | None:
        """Resume the tenant's unfinished operation of this kind; None if no operation is under way.

        :raises Conflict: an operation of another kind is under way.
        """
        if not tenant.relocation:
            return None
        operation = self._operations.get(tenant.relocation)
        if operation.kind != kind:
            raise moving()
        return self._operations.resume(operation)

    def _movable(self, tenant_id: TenantId) -> Tenant:
        tenant = self._stable(tenant_id)
        if not tenant.relocation:
            require_settled(tenant)
        return tenant

    def _stable(self, tenant_id: TenantId) -> Tenant:
        tenant = known_tenant(self._registry, tenant_id)
        require_complete(tenant)
        return tenant

    def _require_untied(self, tenant_id: TenantId, home: Home) -> None:
        """Make sure that the home that a tenant leaves can be copied, and dropped in the end."""
        if not self._servers.is_lost(home.server_id):
            require_untied(self._servers.connector(home.server_id), tenant_id, home)


def _left_as(came: Operation) -> dict[str, Any]:
    """Say how and when a tenant has left its former home, which is what it gets should the present one be lost."""
    fenced_at = came.facts.get("fenced_at")
    since = datetime.fromtimestamp(fenced_at, UTC).isoformat(timespec="seconds") if fenced_at else ""
    return {"former_mark": came.facts.get("source_mark", ""), "moved_at": since}


def _arrived(operation: Operation, home: Home) -> bool:
    # A worker may have died after its last step, before it wrote down that all is done.
    if operation.kind in {MOVE, PROMOTE}:
        return "switch" in operation.done and journey_of(operation.facts).target == home
    return operation.kind in {RESTORE, UNDO_RESTORE} and "swap" in operation.done
