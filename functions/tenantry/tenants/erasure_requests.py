"""Takes an operator's request to erase a tenant, or what an erasure had to keep."""

from datetime import UTC, datetime, timedelta

from tenantry.aws.registry import Registry
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.domain.errors import Conflict, NotFound, TenantUnknown
from tenantry.domain.operation import UNDO_UNTIL, Operation, OperationStatus
from tenantry.domain.relocation import CLONE
from tenantry.domain.tenant import Tenant, TenantId, TenantStatus, all_ids
from tenantry.operations.operations import Operations
from tenantry.tenants import erased_remains, erasure
from tenantry.tenants.certificate_store import CertificateStore
from tenantry.tenants.tenants import Tenants


class ErasureRequests:
    """Starts erasures. A refused call changes nothing."""

    def __init__(
        self,
        registry: Registry,
        tenants: Tenants,
        certificates: CertificateStore,
        catalogue: BackupCatalogue,
        operations: Operations,
    ) -> None:
        """Take the adapters."""
        self._registry = registry
        self._tenants = tenants
        self._certificates = certificates
        self._catalogue = catalogue
        self._operations = operations

    def start(self, tenant_id: TenantId, undo_hours: int, actor: str) -> Operation:
        """Start to erase a tenant after the time in which that can be undone; it is not served from now on.

        Of a tenant that was erased, start at once to delete the backups that are left, under every id that it had.

        :raises TenantUnknown: there is no such tenant, and nothing is left of one.
        :raises Conflict: something else is done to it, or it is being cloned (`tenant_cloned`).
        """
        target = f"tenant/{tenant_id}"
        tenant = self._registry.tenant(tenant_id)
        if tenant is None and self._registry.was_erased(tenant_id):
            facts = {"ids": self._ids_of_remains(tenant_id)}
            return self._operations.start(erased_remains.KIND, target, actor, facts=facts)
        if tenant:
            self._require_not_cloned(tenant)
        self._tenants.condemn(tenant_id)
        at = datetime.now(UTC) + timedelta(hours=undo_hours) if undo_hours else None
        waits = {UNDO_UNTIL: at.isoformat(timespec="seconds")} if at else {}
        return self._operations.start(erasure.KIND, target, actor, at, waits)

    def _require_not_cloned(self, tenant: Tenant) -> None:
        ids = {known.value for known in all_ids(tenant)}
        for other in self._registry.tenants():
            if other.status is TenantStatus.PROVISIONING and other.relocation and self._reads(other.relocation, ids):
                raise Conflict(
                    "The tenant is being cloned: its data is being read.",
                    code="tenant_cloned",
                    details=f"The clone is {other.tenant_id}.",
                    hint="Wait until the clone is made, or erase the clone first.",
                )

    def _reads(self, operation_id: str, ids: set[str]) -> bool:
        try:
            operation = self._operations.get(operation_id)
        except NotFound:
            return False
        is_running = operation.kind == CLONE and operation.status is OperationStatus.RUNNING
        return is_running and operation.facts["cloned"] in ids

    def _ids_of_remains(self, tenant_id: TenantId) -> list[str]:
        """List the ids that an erased tenant had, as its certificates name them."""
        names = {tenant_id.value: None}
        for certificate in self._certificates.of(tenant_id):
            names |= dict.fromkeys([certificate["tenant_id"], *certificate["found"].get("former_ids", [])])
        ids = [name for name in names if self._registry.tenant(TenantId(name)) is None]
        is_begun = self._operations.unfinished(erased_remains.KIND, f"tenant/{tenant_id}")
        if not is_begun and not self._catalogue.of(*map(TenantId, ids)):
            raise TenantUnknown(
                "The tenant was erased, and nothing of it remains.",
                hint="GET /admin/v1/tenants/{tenant_id}/certificates has the evidence.",
            )
        return ids
