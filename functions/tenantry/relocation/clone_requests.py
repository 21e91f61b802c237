"""Takes an operator's request to clone a tenant: checks it, and starts the operation."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.contents.access import Access
from tenantry.contents.omissions import require_copyable
from tenantry.contents.schema_names import require_schema_unnamed
from tenantry.database.connecting import ConnectSettings
from tenantry.database.marks import name_taken
from tenantry.domain.changeable import require_in_use, require_still
from tenantry.domain.errors import Conflict
from tenantry.domain.home import credentials_at
from tenantry.domain.operation import MARKED, Operation
from tenantry.domain.relocation import CLONE
from tenantry.domain.tenant import (
    Home,
    Isolation,
    Tenant,
    TenantId,
    TenantStatus,
    check_free_to_use,
    new_home,
    owner_role,
)
from tenantry.homes.factory import home_of
from tenantry.homes.swapping import readmit
from tenantry.homes.ties import require_untied
from tenantry.homes.withheld import require_readable
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.operations.operations import Operations
from tenantry.relocation.move_checks import require_newest_revision
from tenantry.relocation.residence import require_options
from tenantry.servers.foreign_roles import roles_in_policies
from tenantry.servers.servers import Servers
from tenantry.tenants.retired_ids import known_tenant, require_not_retired

_CONNECT = ConnectSettings(application_name="tenantry-clone")


@dataclass(frozen=True, slots=True)
class CloneOrder:
    """What an operator asks for; without a server, the clone goes to the original's."""

    source: TenantId
    tenant_id: TenantId
    server_id: str | None = None
    admin_email: str | None = None


class CloneRequests:
    """Starts clones. A refused call changes nothing."""

    def __init__(
        self,
        registry: Registry,
        secrets: SecretStore,
        servers: Servers,
        leases: Leases,
        operations: Operations,
        require_free_address: Callable[[TenantId, str], None],
    ) -> None:
        """Take the adapters, and the function that refuses an address of another tenant's user."""
        self._require_free_address = require_free_address
        self._registry = registry
        self._secrets = secrets
        self._servers = servers
        self._leases = leases
        self._operations = operations

    def start(self, order: CloneOrder, actor: str) -> Operation:
        """Start a clone, a new tenant with a copy of another's data, or resume one that has failed.

        :raises BadRequest: the new id is reserved.
        :raises NotFound: there is no such tenant or server.
        :raises Conflict: the new id or the address is taken, the server has no room, or the original can't be copied.
        """
        check_free_to_use(order.tenant_id)
        if order.admin_email:
            self._require_free_address(order.tenant_id, order.admin_email)
        with self._leases.hold(TENANT_LEASE, order.tenant_id.value):
            source = self._source(order.source)
            known = self._registry.tenant(order.tenant_id)
            operation = self._resume(order, source, known) if known else self._begin(order, source, actor)
        self._operations.launch(operation)
        return operation

    def _source(self, tenant_id: TenantId) -> Tenant:
        source = known_tenant(self._registry, tenant_id)
        require_in_use(source)
        require_still(source)
        return source

    def _resume(self, order: CloneOrder, source: Tenant, known: Tenant) -> Operation:
        # By whatever id it was asked for: the original may have been renamed since.
        ids = {tenant_id.value for tenant_id in (source.tenant_id, *source.former_ids)}
        if known.status is TenantStatus.PROVISIONING and known.relocation:
            operation = self._operations.get(known.relocation)
            if operation.kind == CLONE and operation.facts["cloned"] in ids:
                # The address may be the reason why the clone failed, so a new one replaces it.
                given = {"admin_email": order.admin_email} if order.admin_email else {}
                return self._operations.resume(replace(operation, facts=operation.facts | given))
        raise Conflict("There is such a tenant already.", code="tenant_exists", hint="Choose another tenant id.")

    def _begin(self, order: CloneOrder, source: Tenant, actor: str) -> Operation:
        present = home_of(source, self._secrets.find(source.tenant_id))
        server = self._servers.require_room(order.server_id or source.server_id, source.region)
        home = _home(order.tenant_id, server.server_id, present)
        self._require_free(order.tenant_id, home)
        self._require_version(source.server_id, server.server_id)
        # Its owner may have shut it: we look into it.
        readmit(self._servers.connector(present.server_id), order.source, present)
        require_untied(self._servers.connector(present.server_id), source.tenant_id, present)
        self._require_copyable(source.tenant_id, present)
        require_options(self._servers, present, home)
        facts = {
            "cloned": order.source.value,
            "home": asdict(home),
            "admin_email": order.admin_email or "",
            MARKED: True,
        }
        operation = self._operations.begin(CLONE, f"tenant/{order.tenant_id}", actor, facts)
        self._registry.put_tenant(
            Tenant(
                order.tenant_id,
                TenantStatus.PROVISIONING,
                home.isolation,
                home.server_id,
                source.region,
                schema_revision=source.schema_revision,
                limits=source.limits,
                backups=source.backups,
                data_api=source.data_api,
                relocation=operation.operation_id,
                known_since=datetime.now(UTC),
            )
        )
        return operation

    def _require_free(self, tenant_id: TenantId, home: Home) -> None:
        require_not_retired(self._registry, tenant_id)
        if self._secrets.find(tenant_id):
            raise Conflict(
                "There is a secret of that tenant already.",
                code="secret_exists",
                hint="Choose another tenant id, or delete that secret.",
            )
        self._servers.admin(home.server_id).require_names(tenant_id, home)
        if self._servers.home(tenant_id, home).size() is not None:
            raise name_taken(f"{home.database}.{home.schema}")

    def _require_version(self, here: str, there: str) -> None:
        if here == there:
            return
        versions = [self._servers.admin(server).facts().version_number // 10_000 for server in (here, there)]
        if versions[1] < versions[0]:
            raise Conflict(
                f"The server is PostgreSQL {versions[1]}, older than the tenant's.",
                code="server_too_old",
                hint="Choose a server of the same version or a newer one.",
            )

    def _require_copyable(self, tenant_id: TenantId, home: Home) -> None:
        connect = self._servers.connector(home.server_id)
        if home.isolation is Isolation.POOLED:
            require_newest_revision(self._servers, home)
            return
        require_readable(connect, tenant_id, home, dumped=True)
        require_copyable(connect, tenant_id, home)
        is_own = home.isolation is Isolation.DATABASE
        if named := roles_in_policies(connect, home.database, None if is_own else home.schema):
            raise Conflict(
                "Policies of the tenant's tables name roles, which a clone does not have.",
                code="roles_in_policies",
                details=", ".join(named),
                hint="Drop or rewrite these policies, or restore a backup as a new tenant.",
            )
        if not is_own:
            # A clone has a schema of another name.
            credentials = credentials_at(self._secrets.read(tenant_id), home, self._servers.get(home.server_id))
            require_schema_unnamed(Access(home, credentials, owner_role(tenant_id)), _CONNECT)


def _home(tenant_id: TenantId, server_id: str, original: Home) -> Home:
    """Return the clone's home; in a database of its own, its schema has the original's name."""
    home = new_home(tenant_id, server_id, original.isolation)
    if home.isolation is Isolation.DATABASE:
        return Home(home.server_id, home.isolation, home.database, original.schema)
    return home
