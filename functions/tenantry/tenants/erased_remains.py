"""Deletes what an erasure had to leave, once no legal hold and no lock is on it any more, and certifies that too."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tenantry.backups.retention.removal import BackupRemoval
from tenantry.domain import operation_kinds
from tenantry.domain.operation import Operation, tenant_of
from tenantry.domain.tenant import TenantId
from tenantry.operations.operations import Step
from tenantry.tenants.certificate import make_certificate
from tenantry.tenants.certificate_store import CertificateStore

KIND = operation_kinds.ERASE_REMAINS
# Of what is kept, in a certificate.
_MOST_NAMED = 500
KEPT = "It is kept: a legal hold or an object lock is on it"


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
        return {"deleted": deleted, "remains": told_as_kept(result.kept)}

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


def told_as_kept(keys: Sequence[str]) -> list[dict[str, str]]:
    """Tell what is kept by key; of many, how many more there are: a certificate is one item of at most 400 KB."""
    named = [{"what": key, "why": KEPT} for key in keys[:_MOST_NAMED]]
    left = keys[_MOST_NAMED:]
    if left:
        named.append({"what": f"{len(left)} more objects, from {left[0]} to {left[-1]}", "why": KEPT})
    return named


def _ids(operation: Operation) -> list[TenantId]:
    return [TenantId(name) for name in operation.facts["ids"]]
