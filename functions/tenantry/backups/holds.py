"""Legal holds: a held backup is never deleted, whatever the policy or an erasure says."""

from tenantry.aws.registry import Registry
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.backups.hold_tags import BackupHolds
from tenantry.domain.backup import BackupId
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.errors import NotFound
from tenantry.domain.paging import Page, PageRequest
from tenantry.domain.tenant import TenantId, all_ids
from tenantry.operations.leases import RETENTION_LEASE, Leases


class Backups:
    """Lists, holds and frees tenants' backups, also those that S3 kept of an erased tenant."""

    def __init__(
        self, registry: Registry, catalogue: BackupCatalogue, holds: dict[str, BackupHolds], leases: Leases
    ) -> None:
        """Take the adapters; `holds` are by the name of their bucket."""
        self._registry = registry
        self._catalogue = catalogue
        self._holds = holds
        self._leases = leases

    def page(self, tenant_id: TenantId, request: PageRequest) -> Page[CataloguedBackup]:
        """Read a page of a tenant's backups, oldest first.

        :raises DependencyFailed: the registry or S3 did not answer.
        """
        return self._catalogue.page(request, *self._ids(tenant_id))

    def get(self, tenant_id: TenantId, backup_id: BackupId) -> CataloguedBackup:
        """Look a backup up.

        :raises NotFound: there is no such backup of this tenant.
        :raises DependencyFailed: the registry or S3 did not answer.
        """
        found = self._catalogue.find(backup_id, *self._ids(tenant_id))
        if found is None:
            raise NotFound(
                "The tenant has no such backup.",
                code="backup_unknown",
                hint="GET /admin/v1/tenants/{tenant_id}/backups lists those that there are.",
            )
        return found

    def hold(self, tenant_id: TenantId, backup_id: BackupId, reason: str) -> CataloguedBackup:
        """Hold a backup; if it is held already, replace the reason.

        :raises NotFound: there is no such backup of this tenant.
        :raises Conflict: backups of this tenant are being deleted at this moment.
        :raises DependencyFailed: the registry or S3 did not answer; the same call finishes it.
        """
        with self._leases.hold(RETENTION_LEASE, tenant_id.value):
            backup = self.get(tenant_id, backup_id)
            self._holds[backup.bucket].put(backup.versions, reason)
            return self.get(tenant_id, backup_id)

    def lift(self, tenant_id: TenantId, backup_id: BackupId) -> CataloguedBackup:
        """Lift a backup's hold; a backup that is not held stays as it is.

        :raises NotFound: there is no such backup of this tenant.
        :raises Conflict: backups of this tenant are being deleted at this moment.
        :raises DependencyFailed: the registry or S3 did not answer; the same call finishes it.
        """
        with self._leases.hold(RETENTION_LEASE, tenant_id.value):
            backup = self.get(tenant_id, backup_id)
            self._holds[backup.bucket].lift(backup.versions)
            return self.get(tenant_id, backup_id)

    def _ids(self, tenant_id: TenantId) -> tuple[TenantId, ...]:
        tenant = self._registry.tenant(tenant_id)
        return all_ids(tenant) if tenant else (tenant_id,)
