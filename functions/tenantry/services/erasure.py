"""Erases a tenant, step by step, and leaves a certificate."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tenantry.adapters.backup_removal import BackupRemoval
from tenantry.adapters.certificate_store import CertificateStore
from tenantry.adapters.registry import Registry
from tenantry.adapters.secret_store import SecretStore
from tenantry.adapters.user_directory import UserDirectory
from tenantry.domain.erasure import make_certificate
from tenantry.domain.errors import Conflict
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import TenantId, TenantStatus
from tenantry.services.operations import Step
from tenantry.services.servers import Servers

KIND = "erase_tenant"


class Erasure:
    """The steps of an erasure. What was found at first decides what is deleted, so that a repetition misses nothing."""

    def __init__(
        self,
        registry: Registry,
        servers: Servers,
        secrets: SecretStore,
        backups: BackupRemoval,
        users: UserDirectory,
        certificates: CertificateStore,
    ) -> None:
        """Take the adapters."""
        self._registry = registry
        self._servers = servers
        self._secrets = secrets
        self._backups = backups
        self._users = users
        self._certificates = certificates

    def steps(self) -> Sequence[Step]:
        """List the steps in their order; the registry forgets the tenant last, with the certificate."""
        return (
            Step("find", self._find),
            Step("drop_database", self._drop_database),
            Step("drop_roles", self._drop_roles),
            Step("delete_backups", self._delete_backups),
            Step("delete_users", self._delete_users),
            Step("delete_secret", self._delete_secret),
            Step("certify", self._certify),
        )

    def _find(self, operation: Operation) -> dict[str, Any]:
        tenant_id = _tenant_id(operation)
        tenant = self._registry.tenant(tenant_id)
        if tenant is None or tenant.status is not TenantStatus.ERASING:
            raise Conflict("The tenant is not to be erased any more.", code="not_erasing")
        credentials = self._secrets.find(tenant_id)
        database = credentials.dbname if credentials else tenant_id.value
        remains = self._servers.removal(tenant.server_id).find(tenant_id, database)
        backups = self._backups.find(tenant_id)
        found = {
            "server_id": tenant.server_id,
            "database": database,
            "database_bytes": remains.database_bytes,
            "roles": remains.roles,
            "backup_versions": backups.versions,
            "backup_bytes": backups.bytes,
            "users": len(self._users.find(tenant_id)),
            "secret": credentials is not None,
        }
        return {"found": found, "deleted": {}, "remains": []}

    def _drop_database(self, operation: Operation) -> dict[str, Any]:
        found = operation.facts["found"]
        self._servers.removal(found["server_id"]).drop_database(found["database"])
        return _deleted(operation, database=found["database"])

    def _drop_roles(self, operation: Operation) -> dict[str, Any]:
        found = operation.facts["found"]
        self._servers.removal(found["server_id"]).drop_roles(found["roles"])
        return _deleted(operation, roles=found["roles"])

    def _delete_backups(self, operation: Operation) -> dict[str, Any]:
        result = self._backups.delete(_tenant_id(operation))
        kept = [
            {"what": key, "why": "S3 keeps this version: a legal hold or an object lock is on it"}
            for key in result.kept
        ]
        counted = _deleted(operation, backup_versions=result.versions, backup_bytes=result.bytes)
        return counted | {"remains": [*operation.facts["remains"], *kept]}

    def _delete_users(self, operation: Operation) -> dict[str, Any]:
        tenant_id = _tenant_id(operation)
        users = self._users.find(tenant_id)
        for user in users:
            self._users.delete(user)
        return _deleted(operation, users=operation.facts["found"]["users"])

    def _delete_secret(self, operation: Operation) -> dict[str, Any]:
        self._secrets.delete(_tenant_id(operation))
        return _deleted(operation, secret=operation.facts["found"]["secret"])

    def _certify(self, operation: Operation) -> dict[str, Any]:
        tenant_id = _tenant_id(operation)
        certificate = make_certificate(
            tenant_id=tenant_id.value,
            operation_id=operation.operation_id,
            requested_by=operation.requested_by,
            requested_at=operation.requested_at,
            at=datetime.now(UTC),
            facts=operation.facts,
        )
        self._certificates.put(certificate)
        self._registry.delete_tenant(tenant_id)
        return {"certificate": asdict(certificate)}


def _tenant_id(operation: Operation) -> TenantId:
    return TenantId(operation.target.removeprefix("tenant/"))


def _deleted(operation: Operation, **things: Any) -> dict[str, Any]:
    return {"deleted": operation.facts["deleted"] | things}
