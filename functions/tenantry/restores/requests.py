"""Checks and starts the restores that an operator asks for."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.backups.catalogue import BackupCatalogue
from tenantry.database.marks import name_taken
from tenantry.domain.backup import BackupId, Manifest
from tenantry.domain.catalogue import CataloguedBackup, require_whole
from tenantry.domain.changeable import moving, require_in_use
from tenantry.domain.errors import Conflict, NotFound
from tenantry.domain.home import moved
from tenantry.domain.operation import MARKED, Operation
from tenantry.domain.residency import BackupBuckets
from tenantry.domain.restore import RESTORE, RESTORE_TABLES, archived_schema
from tenantry.domain.server import Wanted
from tenantry.domain.tenant import Home, Isolation, Limits, Tenant, TenantId, TenantStatus, check_free_to_use, new_home
from tenantry.homes.database_options import require_locale
from tenantry.homes.factory import home_of
from tenantry.homes.ties import require_untied
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.operations.operations import Operations
from tenantry.restores.asked_tables import asked_tables, tables_elsewhere
from tenantry.restores.scratch import archived_options, needed_extensions, require_version
from tenantry.restores.single_tables import STAGED
from tenantry.servers.extensions import require_extensions
from tenantry.servers.servers import Servers
from tenantry.tenants.retired_ids import no_such_tenant, require_not_retired


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What an operator asks for: a backup of `tenant_id`, restored in place or, with `into`, as a new tenant.

    Without `keep_rights`, the roles editor and viewer get the rights that they have in a new tenant.
    """

    tenant_id: TenantId
    backup_id: BackupId
    into: TenantId | None = None
    server_id: str | None = None
    keep_rights: bool = True
    admin_email: str | None = None
    # Restore only these: `schema.table` or `schema.*`. `mode` says whether they replace the present tables.
    tables: tuple[str, ...] = ()
    mode: str = STAGED

    def kind(self, home: Home) -> str:
        """Return the operation's kind; in shared tables, single tables are a normal restore that swaps fewer rows."""
        return RESTORE_TABLES if self.tables and home.isolation is not Isolation.POOLED else RESTORE


class Restores:
    """Starts restores. A refused call changes nothing."""

    def __init__(
        self,
        registry: Registry,
        secrets: SecretStore,
        servers: Servers,
        leases: Leases,
        operations: Operations,
        catalogue: BackupCatalogue,
        buckets: BackupBuckets,
    ) -> None:
        """Take the adapters."""
        self._registry = registry
        self._secrets = secrets
        self._servers = servers
        self._leases = leases
        self._operations = operations
        self._catalogue = catalogue
        self._buckets = buckets

    def start(self, request: RestoreRequest, actor: str) -> Operation:
        """Start to restore a backup, or resume that restore if its worker has died.

        :raises NotFound: there is no such backup, tenant or server.
        :raises BadRequest: the new id is reserved.
        :raises Conflict: the backup is not whole (`backup_broken`), the tenant can't be restored now or on that server,
            or the new id is taken.
        """
        target = request.into or request.tenant_id
        with self._leases.hold(TENANT_LEASE, target.value):
            source = self._registry.tenant(request.tenant_id)
            tenant = self._registry.tenant(target)
            # Before the backup is looked for: what has taken its place already needs it no more.
            operation = self._under_way(request, source, tenant) if tenant else None
            if operation is None:
                operation = self._begin_anew(request, source, tenant, actor)
        self._operations.launch(operation)
        return operation

    def _begin_anew(
        self, request: RestoreRequest, source: Tenant | None, tenant: Tenant | None, actor: str
    ) -> Operation:
        backup = self._backup(request, source)
        if tenant:
            return self._begin_in_place(request, backup, tenant, actor)
        if request.into is None:
            raise no_such_tenant(self._registry, request.tenant_id)
        return self._begin_new(request, backup, source, actor)

    def _backup(self, request: RestoreRequest, source: Tenant | None) -> CataloguedBackup:
        former = source.former_ids if source else ()
        backup = self._catalogue.find(request.backup_id, request.tenant_id, *former)
        if backup is None:
            raise NotFound(
                "There is no such backup.",
                code="backup_unknown",
                hint="GET /admin/v1/tenants/{tenant_id}/backups lists those that there are.",
            )
        require_whole(backup)
        return backup

    def _under_way(self, request: RestoreRequest, source: Tenant | None, tenant: Tenant) -> Operation | None:
        """Resume this restore if it has begun and not ended.

        :raises Conflict: another operation holds the tenant.
        """
        if not tenant.relocation:
            return None
        operation = self._operations.get(tenant.relocation)
        if operation.kind not in {RESTORE, RESTORE_TABLES} or not _is_asked(operation, request, source):
            raise moving()
        return self._operations.resume(operation)

    def _begin_in_place(
        self, request: RestoreRequest, backup: CataloguedBackup, tenant: Tenant, actor: str
    ) -> Operation:
        if request.into:
            raise Conflict(
                "There is such a tenant already.",
                code="tenant_exists",
                hint="Choose another tenant id; to restore a tenant in its own place send `tenant_id` and no `into`.",
            )
        require_in_use(tenant)
        if tenant.former_home:
            raise Conflict(
                "The tenant's last move or restore is neither confirmed nor undone.",
                code="move_unconfirmed",
                hint="Confirm or undo it first.",
            )
        stored = self._secrets.find(tenant.tenant_id)
        present = home_of(tenant, stored)
        if stored is None and present.isolation is Isolation.DATABASE:
            # The secret is lost, which knew the name of the schema in a database of the tenant's own.
            present = replace(present, schema=archived_schema(require_whole(backup)))
        home = self._home_for(request, tenant, present)
        self._require_fit(require_whole(backup), home)
        admin = self._servers.admin(home.server_id)
        admin.require_names(tenant.tenant_id, home, is_listed=home.server_id == present.server_id)
        has_home = self._servers.home(tenant.tenant_id, home).size() is not None
        if has_home and home != present:
            raise name_taken(f"{home.database}.{home.schema}")
        self._require_untied(request, tenant.tenant_id, present)
        facts = self._facts(request, backup, home, has_home=has_home, tenant_id=tenant.tenant_id)
        if request.tables:
            if home != present or not has_home:
                raise tables_elsewhere()
            facts |= asked_tables(request.tables, request.mode, require_whole(backup), home)
        facts["former"] = asdict(present) if home != present else None
        facts["former_revision"] = tenant.schema_revision
        return self._begin(tenant, facts, actor, request.kind(home))

    def _home_for(self, request: RestoreRequest, tenant: Tenant, present: Home) -> Home:
        """Say where a tenant is restored to: in its place, or on the server that is asked for."""
        if request.server_id in {None, present.server_id}:
            return present
        server = self._servers.require_room(request.server_id or "", tenant.region)
        if not self._servers.is_lost(present.server_id):
            self._servers.require_two(present.server_id, server.server_id)
        return moved(present, server.server_id)

    def _require_untied(self, request: RestoreRequest, tenant_id: TenantId, present: Home) -> None:
        """Make sure that what is there now can be kept for an undo and dropped in the end; single tables leave it."""
        if not request.tables and not self._servers.is_lost(present.server_id):
            require_untied(self._servers.connector(present.server_id), tenant_id, present)

    def _begin_new(
        self, request: RestoreRequest, backup: CataloguedBackup, source: Tenant | None, actor: str
    ) -> Operation:
        """Restore a backup as a new tenant, or as a tenant that the registry has lost."""
        into, manifest = request.into or request.tenant_id, require_whole(backup)
        check_free_to_use(into)
        require_not_retired(self._registry, into)
        region = source.region if source else self._region_of(backup)
        wanted = request.server_id or (source.server_id if source else self._known_server(manifest))
        server = self._servers.require_room(wanted, region) if wanted else self._servers.place(Wanted(region))
        home = self._home_of_new(into, server.server_id, manifest)
        self._require_fit(manifest, home)
        is_lost = into == request.tenant_id
        self._servers.admin(home.server_id).require_names(into, home)
        known, size = self._secrets.exists(into), self._servers.home(into, home).size()
        if not is_lost and (known or size is not None):
            raise Conflict(
                "There is something of a tenant of that id already.",
                code="tenant_exists",
                hint="Choose another tenant id.",
            )
        facts = self._facts(request, backup, home, has_home=size is not None, tenant_id=into)
        began = datetime.now(UTC)
        tenant = Tenant(
            into,
            TenantStatus.PROVISIONING,
            home.isolation,
            home.server_id,
            region,
            known_since=None if is_lost else began,
        )
        if source:
            # The tenant may have had another isolation model when the backup was taken.
            data_api = source.data_api.fitting(one_schema=home.isolation is not Isolation.DATABASE)
            tenant = replace(tenant, limits=source.limits, backups=source.backups, data_api=data_api)
        elif had := manifest.home:
            tenant = replace(tenant, limits=Limits(had.connections, had.statement_timeout_ms, had.plan))
        return self._begin(tenant, facts, actor)

    def _begin(self, tenant: Tenant, facts: dict[str, Any], actor: str, kind: str = RESTORE) -> Operation:
        operation = self._operations.begin(kind, f"tenant/{tenant.tenant_id}", actor, facts)
        self._registry.put_tenant(replace(tenant, relocation=operation.operation_id))
        return operation

    def _facts(
        self, request: RestoreRequest, backup: CataloguedBackup, home: Home, *, has_home: bool, tenant_id: TenantId
    ) -> dict[str, Any]:
        return {
            "archived": backup.tenant_id.value,
            "backup_id": request.backup_id.value,
            "home": asdict(home),
            # A dump's grants name the roles of the tenant that was backed up; a manifest's rights name none.
            "keep_rights": request.keep_rights and (backup.tenant_id == tenant_id or _tells_rights(backup)),
            "has_home": has_home,
            "former": None,
            # For an undo; empty if unknown.
            "former_revision": "",
            "admin_email": request.admin_email or "",
            MARKED: True,
        }

    def _home_of_new(self, tenant_id: TenantId, server_id: str, manifest: Manifest) -> Home:
        home = new_home(tenant_id, server_id, manifest.isolation)
        if home.isolation is Isolation.DATABASE:
            return replace(home, schema=archived_schema(manifest))
        return home

    def _region_of(self, backup: CataloguedBackup) -> str:
        """Find the region that an unregistered tenant's data must not leave: the manifest's, or else the bucket's."""
        if backup.manifest and backup.manifest.home:
            return backup.manifest.home.region
        elsewhere = {bucket.name: bucket.region for bucket in self._buckets.elsewhere}
        return elsewhere.get(backup.bucket, "")

    def _known_server(self, manifest: Manifest) -> str | None:
        """Find the server where the tenant lived, if it is still registered."""
        server_id = manifest.home.server_id if manifest.home else ""
        return server_id if any(server.server_id == server_id for server in self._servers.all()) else None

    def _require_fit(self, manifest: Manifest, home: Home) -> None:
        if manifest.isolation is not home.isolation:
            raise Conflict(
                f"The tenant was '{manifest.isolation}' when it was backed up, and is '{home.isolation}' now.",
                code="other_isolation",
                hint="Restore it into a new tenant.",
            )
        require_version(manifest, self._servers.admin(home.server_id).facts())
        require_extensions(self._servers.connector(home.server_id), needed_extensions(manifest))
        if options := archived_options(manifest):
            require_locale(self._servers.connector(home.server_id), options)


def _tells_rights(backup: CataloguedBackup) -> bool:
    return backup.manifest is not None and backup.manifest.rights is not None


def _is_asked(operation: Operation, request: RestoreRequest, source: Tenant | None) -> bool:
    """Tell whether the operation restores what the request asks for: the same backup and the same tables."""
    ids = {request.tenant_id.value, *(former.value for former in (source.former_ids if source else ()))}
    facts, asked = operation.facts, (request.backup_id.value, list(request.tables))
    return facts["archived"] in ids and (facts["backup_id"], facts.get("wanted", [])) == asked
