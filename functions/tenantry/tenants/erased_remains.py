"""Deletes what an erasure had to leave, once no legal hold and no lock is on it any more, and certifies that too."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.backups.retention.removal import BackupRemoval
from tenantry.domain import operation_kinds
from tenantry.domain.errors import TenantUnknown
from tenantry.domain.operation import Operation, tenant_of
from tenantry.domain.tenant import TenantId
from tenantry.operations.operations import Operations, Step
from tenantry.tenants.certificate import make_certificate
from tenantry.tenants.certificate_store import CertificateStore

KIND = operation_kinds.ERASE_REMAINS
# Of what is kept, in a certificate.
KEPT = "It is kept: a legal hold or an object lock is on it"


class RemainsRequests:
    """Starts the deletion of what is left of tenants that are gone."""

    def __init__(
        self, registry: Registry, certificates: CertificateStore, catalogue: BackupCatalogue, operations: Operations
    ) -> None:
        """Take the adapters."""
        self._registry = registry
        self._certificates = certificates
        self._catalogue = catalogue
        self._operations = operations

    def is_gone(self, tenant_id: TenantId) -> bool:
        """Tell whether a tenant of this id was erased, and nobody has it now."""
        return self._registry.tenant(tenant_id) is None and self._registry.was_erased(tenant_id)

    def start(self, tenant_id: TenantId, actor: str) -> Operation:
        """Start to delete the backups that are left of an erased tenant, under every id that it had.

        :raises TenantUnknown: there are none.
        """
        ids = self._ids(tenant_id)
        unfinished = self._operations.unfinished(KIND, f"tenant/{tenant_id}")
        if unfinished is None and not self._catalogue.of(*ids):
            raise TenantUnknown(
                "The tenant was erased, and nothing of it remains.",
                hint="GET /admin/v1/tenants/{tenant_id}/certificates has the evidence.",
            )
        facts = {"ids": [known.value for known in ids]}
        return self._operations.start(KIND, f"tenant/{tenant_id}", actor, facts=facts)

    def _ids(self, tenant_id: TenantId) -> tuple[TenantId, ...]:
        """List the ids that an erased tenant had, as its certificates name them."""
        names = {tenant_id.value: None}
        for certificate in self._certificates.of(tenant_id):
            names |= dict.fromkeys([certificate["tenant_id"], *certificate["found"].get("former_ids", [])])
        return tuple(TenantId(name) for name in names if self._registry.tenant(TenantId(name)) is None)


class ErasedRemains:
    """The steps of that deletion."""

    def __init__(self, backups: BackupRemoval, certificates: CertificateStore) -> None:
        """Take the adapters."""
        self._backups = backups
        self._certificates = certificates

    def steps(self) -> Sequence[Step]:
        """List the steps in their order."""
        return (
            Step("find", self._find),
            Step("delete_backups", self._delete_backups),
            Step("certify", self._certify),
        )

    def _find(self, operation: Operation) -> dict[str, Any]:
        found = self._backups.find(*_ids(operation))
        former = [known.value for known in _ids(operation) if known != tenant_of(operation)]
        counted = {"former_ids": former, "backup_versions": found.versions, "backup_bytes": found.bytes}
        return {"found": counted, "deleted": {}, "remains": []}

    def _delete_backups(self, operation: Operation) -> dict[str, Any]:
        result = self._backups.delete(*_ids(operation))
        deleted = {"backup_versions": result.versions, "backup_bytes": result.bytes}
        return {"deleted": deleted, "remains": [{"what": key, "why": KEPT} for key in result.kept]}

    def _certify(self, operation: Operation) -> dict[str, Any]:
        certificate = make_certificate(
            tenant_id=tenant_of(operation).value,
            operation_id=operation.operation_id,
            requested_by=operation.requested_by,
            requested_at=operation.requested_at,
            at=datetime.now(UTC),
            facts=operation.facts,
        )
        self._certificates.put(certificate, operation.facts["found"]["former_ids"])
        return {"certificate": asdict(certificate)}


def _ids(operation: Operation) -> list[TenantId]:
    return [TenantId(name) for name in operation.facts["ids"]]
