"""Restores a backup into a scratch database, compares it with its manifest, and records what came back."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from tenantry.aws.registry import Registry
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.database.admin_sql import execute
from tenantry.database.database_removal import drop_database
from tenantry.domain.backup import BackupId, Manifest
from tenantry.domain.catalogue import CataloguedBackup, require_whole
from tenantry.domain.changeable import require_still
from tenantry.domain.errors import BadRequest, Conflict, NotFound, RestoreFailed, TenantryError, TenantUnknown
from tenantry.domain.restore import drill_name
from tenantry.domain.tenant import Tenant, TenantId
from tenantry.domain.verification import Verification, VerifiedTable
from tenantry.homes.copy_login import drop_copy_login
from tenantry.homes.ownership import is_tenants_database
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.restores.drills.servers import DrillServers
from tenantry.restores.drills.verification_store import VerificationStore
from tenantry.restores.scratch import Drilled, ScratchOrder, ScratchRestorer, archived_options
from tenantry.servers.servers import Servers

# A repetition can't change this: the backup itself is not what was written.
_DAMAGED = "backup_damaged"
_NAMED = 10


@dataclass(frozen=True, slots=True)
class DrillOrder:
    """Which backup of which tenant, and the operation or run (a ULID) that asks for the drill."""

    tenant_id: TenantId
    backup_id: BackupId
    operation_id: str


@dataclass(frozen=True, slots=True)
class DrillAdapters:
    """What a drill needs."""

    registry: Registry
    servers: Servers
    catalogue: BackupCatalogue
    verifications: VerificationStore
    restorer: ScratchRestorer
    leases: Leases


class Drills:
    """Performs drills. The caller holds the lease on the tenant (`tenant`, its id) throughout."""

    def __init__(self, adapters: DrillAdapters) -> None:
        """Take the adapters."""
        self._adapters = adapters
        self._drill_servers = DrillServers(adapters.servers)

    def drill(self, order: DrillOrder) -> tuple[Verification, bool]:
        """Restore one backup into a scratch database, compare it, and store the verification.

        :returns: the verification, and whether an earlier drill had already stored one.
        :raises NotFound: there is no such tenant or backup.
        :raises Conflict: the tenant is being moved or restored, or the backup is broken (`backup_broken`).
        :raises RestoreFailed: it could not be restored this time.
        :raises TenantryError: a server or S3 did not answer.
        """
        tenant = self._tenant(order.tenant_id)
        backup, manifest = self._backup(order, tenant)
        if backup.verification:
            return backup.verification, True
        for server_id in self._drill_servers.all_for(tenant):
            # Clean up after drills whose workers died. A failure of the clean-up says nothing about this backup.
            with suppress(TenantryError):
                self.sweep(server_id, order.tenant_id)
        with self._drill_servers.lend(tenant, archived_options(manifest)) as server_id:
            scratch = ScratchOrder(
                manifest=manifest,
                bucket=backup.bucket,
                owner=order.tenant_id,
                server_id=server_id,
                database=drill_name(order.tenant_id, order.operation_id),
                # A manifest's rights name the tenant's roles by what they are, others as far as they are there. In a
                # dump, a renamed tenant's roles have other names, and others are not where a drill is made elsewhere.
                keep_rights=manifest.rights is not None
                or (
                    backup.tenant_id == order.tenant_id and (server_id == tenant.server_id or not manifest.names_others)
                ),
            )
            found = self._try(scratch)
        verification = _verification(order, backup, server_id, found)
        return verification, not self._adapters.verifications.put(backup, verification)

    def sweep(self, server_id: str, mine: TenantId) -> list[str]:
        """Drop the scratch databases of drills on a server: those of `mine`, and of tenants whose lease is free.

        :returns: the names of the dropped databases.
        :raises TenantryError: the server refused.
        """
        dropped = []
        connect = self._adapters.servers.connector(server_id)
        with closing(connect("postgres")) as connection, connection.cursor() as cursor:
            execute(cursor, "SELECT datname::text FROM pg_database WHERE datname ~ '^[a-z0-9-]+_drill_[0-9a-z]{10}$'")
            for name, tenant_id in _holders([row[0] for row in cursor.fetchall()]):
                # While its worker lives, the lease is refused.
                with suppress(Conflict), self._lease(tenant_id, mine):
                    if self._adapters.servers.is_adopted(tenant_id, name):
                        continue
                    if is_tenants_database(cursor, tenant_id, name):
                        drop_copy_login(connect, tenant_id, name)
                        drop_database(cursor, name)
                        dropped.append(name)
        return dropped

    def _lease(self, tenant_id: TenantId, mine: TenantId) -> AbstractContextManager[None]:
        return nullcontext() if tenant_id == mine else self._adapters.leases.hold(TENANT_LEASE, tenant_id.value)

    def _tenant(self, tenant_id: TenantId) -> Tenant:
        tenant = self._adapters.registry.tenant(tenant_id)
        if tenant is None:
            raise TenantUnknown("There is no such tenant.")
        require_still(tenant)
        return tenant

    def _backup(self, order: DrillOrder, tenant: Tenant) -> tuple[CataloguedBackup, Manifest]:
        backup = self._adapters.catalogue.find(order.backup_id, order.tenant_id, *tenant.former_ids)
        if backup is None:
            raise NotFound(
                "There is no such backup.",
                code="backup_unknown",
                hint="GET /admin/v1/tenants/{tenant_id}/backups lists those that there are.",
            )
        return backup, require_whole(backup)

    def _try(self, scratch: ScratchOrder) -> Drilled | None:
        """Restore the backup; None if it is damaged, which is a finding and not a failure of the drill."""
        try:
            return self._adapters.restorer.drill(scratch)
        except RestoreFailed as error:
            if error.code != _DAMAGED:
                raise
            return None


def _holders(names: list[str]) -> Iterator[tuple[str, TenantId]]:
    for name in names:
        with suppress(BadRequest):
            yield name, TenantId(name.partition("_")[0])


def _verification(order: DrillOrder, backup: CataloguedBackup, server_id: str, found: Drilled | None) -> Verification:
    tables = found.findings.tables if found else ()
    return Verification(
        backup_id=backup.backup_id.value,
        # The id in the backup's key. Readers ignore a verification that names another one.
        tenant_id=backup.tenant_id.value,
        drilled_at=datetime.now(UTC),
        seconds=found.seconds if found else 0,
        restored_bytes=found.restored_bytes if found else 0,
        tables=[
            VerifiedTable(schema=table.schema, table=table.table, rows=table.rows, matches=table.matches)
            for table in tables
        ],
        digest_matches=found is not None and found.findings.matches,
        server_id=server_id,
        server_version=found.server_version if found else "",
        operation_id=order.operation_id,
        left_behind=found.left_behind if found else "",
        differing=found.findings.differing[:_NAMED] if found else [],
        limited=backup.limited,
        left_out=list(found.findings.left_out) if found else [],
        uncounted=backup.uncounted,
    )
