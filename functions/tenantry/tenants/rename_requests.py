"""Takes the request to rename a tenant: checks everything before anything is changed."""

from dataclasses import replace

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.errors import Conflict
from tenantry.domain.operation import MARKED, Operation
from tenantry.domain.tenant import TenantId, check_free_to_use
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.operations.operations import Operations
from tenantry.servers.servers import Servers
from tenantry.tenants.rename_checks import check_renaming
from tenantry.tenants.renaming import KIND, new_id, old_id


class RenameRequests:
    """Starts renames, and continues one that was cut off."""

    def __init__(
        self, registry: Registry, secrets: SecretStore, servers: Servers, leases: Leases, operations: Operations
    ) -> None:
        """Take the adapters, and the starter of operations."""
        self._registry = registry
        self._secrets = secrets
        self._servers = servers
        self._leases = leases
        self._operations = operations

    def start(self, old: TenantId, new: TenantId, actor: str) -> Operation:
        """Start renaming a tenant.

        :raises BadRequest: the new id is reserved.
        :raises NotFound: there is no such tenant.
        :raises Conflict: the tenant can't be renamed now, or the new id is taken; nothing is changed.
        :raises DependencyFailed: a service did not answer; the same call may be repeated.
        """
        if old == new:
            raise Conflict(
                "The tenant has that id.", code="same_id", hint="Nothing has to be done; or choose another id."
            )
        check_free_to_use(new)
        target = f"tenant/{old}"
        with self._leases.hold(TENANT_LEASE, old.value), self._leases.hold(TENANT_LEASE, new.value):
            begun = self._operations.unfinished(KIND, target)
            if begun and new_id(begun) != new:
                self._give_up(begun)
                begun = None
            if begun is None or not begun.done:
                self._check(old, new, begun)
        return self._operations.start(KIND, target, actor, facts={"tenant_id": new.value, MARKED: True})

    def _check(self, old: TenantId, new: TenantId, begun: Operation | None) -> None:
        check_renaming(
            old,
            new,
            begun.operation_id if begun else "",
            registry=self._registry,
            secrets=self._secrets,
            servers=self._servers,
        )

    def _give_up(self, begun: Operation) -> None:
        """Drop an earlier request for another id, of which at most the reservation was made."""
        with self._leases.hold(TENANT_LEASE, new_id(begun).value):
            give_up_rename(self._registry, begun)
        self._operations.undo(KIND, begun.target)


def give_up_rename(registry: Registry, begun: Operation) -> None:
    """Take back the reservation of a rename that has not begun; the caller holds the leases on both ids.

    :raises Conflict: a step is done (`rename_unfinished`), so it can only be finished.
    """
    if begun.done:
        raise Conflict(
            f"The tenant is being renamed to {new_id(begun)}.",
            code="rename_unfinished",
            hint="Repeat that call, so that it is finished; then rename the tenant again.",
        )
    reserved = registry.tenant(new_id(begun))
    if reserved and reserved.relocation == begun.operation_id:
        registry.delete_tenant(reserved.tenant_id)
    tenant = registry.tenant(old_id(begun))
    if tenant and tenant.relocation == begun.operation_id:
        registry.put_tenant(replace(tenant, relocation=""))
