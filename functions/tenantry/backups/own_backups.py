"""Lists a tenant's own backups and makes links to them, with a session that reaches that tenant only."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.backups.reader import BackupReader
from tenantry.domain.backup import BackupId
from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.errors import Conflict, NotFound
from tenantry.domain.tenant import TenantId, all_ids


class OwnBackups:
    """Reads with one session per id: a renamed tenant has backups under each of its ids."""

    def __init__(self, registry: Registry, open_reader: Callable[[TenantId], BackupReader]) -> None:
        """Take the registry, and what opens a reader with one tenant's session."""
        self._registry = registry
        self._open_reader = open_reader

    def all(self, tenant_id: TenantId) -> list[CataloguedBackup]:
        """List a tenant's backups, oldest first.

        :raises DependencyFailed: the registry, STS or S3 did not answer.
        """
        found = [one for each in self._ids(tenant_id) for one in self._open_reader(each).catalogue().of(each)]
        return sorted(found, key=attrgetter("backup_id"))

    def find(self, tenant_id: TenantId, backup_id: BackupId) -> CataloguedBackup | None:
        """Look a backup up.

        :raises DependencyFailed: the registry, STS or S3 did not answer.
        """
        readers = ((each, self._open_reader(each)) for each in self._ids(tenant_id))
        return next(filter(None, (reader.catalogue().find(backup_id, each) for each, reader in readers)), None)

    def link(self, tenant_id: TenantId, backup_id: BackupId) -> dict[str, Any]:
        """Make a link to a backup's dump. It expires after fifteen minutes and works without a token.

        :raises NotFound: the tenant has no such backup.
        :raises Conflict: the backup is broken (`backup_broken`): nothing can be restored from it.
        :raises DependencyFailed: the registry, STS or S3 did not answer.
        """
        backup = self.find(tenant_id, backup_id)
        if backup is None:
            raise NotFound(
                "The tenant has no such backup.",
                code="backup_unknown",
                hint="List the tenant's backups to see those that there are.",
            )
        if backup.broken or backup.manifest is None:
            raise Conflict(
                "Nothing can be restored from that.",
                code="backup_broken",
                details=backup.fault,
                hint="Choose another one: the list says which are broken.",
            )
        url, ends = self._open_reader(backup.tenant_id).link(backup, backup.manifest)
        dump = backup.manifest.dump
        return {
            "url": url,
            "expires_at": ends.isoformat(),
            "stored_bytes": dump.stored_bytes,
            "sha256": dump.sha256,
            # An older pg_restore refuses an archive that a newer pg_dump has written.
            "pg_restore": dump.pg_dump_major,
        }

    def _ids(self, tenant_id: TenantId) -> tuple[TenantId, ...]:
        tenant = self._registry.tenant(tenant_id)
        return all_ids(tenant) if tenant else (tenant_id,)
