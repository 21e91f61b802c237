"""The life of a tenant, as an operator leads it: made, looked at, suspended, resumed."""

from dataclasses import dataclass, field, replace

from tenantry.access.rotation import rotation_schedule
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.changeable import require_complete, require_idle, require_kept
from tenantry.domain.errors import Conflict
from tenantry.domain.limits import LimitChange
from tenantry.domain.residency import BackupBuckets
from tenantry.domain.server import Server, Wanted
from tenantry.domain.tenant import Isolation, Limits, Tenant, TenantId, TenantStatus, check_free_to_use
from tenantry.homes.factory import home_of
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.servers.servers import Servers
from tenantry.tenants.adoption import adopt_database
from tenantry.tenants.adoption_requests import Adoption, stored_request
from tenantry.tenants.home_checks import require_home
from tenantry.tenants.provisioning import (
    ProvisioningTools,
    TenantRequest,
    provision_tenant,
    require_free_names,
    require_isolation,
)
from tenantry.tenants.retired_ids import find_by_any_id, known_tenant, require_not_retired
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What an operator asks for; with an address, the tenant gets its first user, an admin."""

    tenant_id: TenantId
    wanted: Wanted
    limits: LimitChange = field(default_factory=LimitChange)
    admin_email: str | None = None
    # None: the one that it has; a new tenant gets a database of its own.
    isolation: Isolation | None = None
    # Where its home is gone: make an empty one.
    empty_home: bool = False


class Tenants:
    """The tenants of one stage. One operation on a tenant at a time."""

    def __init__(
        self,
        registry: Registry,
        secrets: SecretStore,
        servers: Servers,
        leases: Leases,
        users: UserDirectory,
        usage_plans: UsagePlans,
        buckets: BackupBuckets,
        rotation_function: str = "",
    ) -> None:
        """Take the adapters; with a `rotation_function` (an ARN), new tenants' credentials are rotated monthly."""
        self._usage_plans = usage_plans
        self._buckets = buckets
        self._rotation_function = rotation_function
        self._registry = registry
        self._secrets = secrets
        self._servers = servers
        self._leases = leases
        self._users = users

    def create(self, new: NewTenant) -> tuple[Tenant, bool]:
        """Make a tenant, or finish one that a call was cut at; the same call may be repeated.

        :returns: the tenant, and whether it is new.
        :raises BadRequest: its id is reserved.
        :raises Conflict: no server has room, its region has no bucket for backups, the address is another tenant's
            user's, it is suspended, it lies elsewhere, something else is done to it, its home is gone
            (`home_missing`), or something on the server that is not ours has one of its names (`name_taken`): nothing
            is changed then.
        """
        check_free_to_use(new.tenant_id)
        if new.admin_email:
            self._users.require_free(new.tenant_id, new.admin_email)
        with self._leases.hold(TENANT_LEASE, new.tenant_id.value):
            require_not_retired(self._registry, new.tenant_id)
            known = self._registry.tenant(new.tenant_id)
            if known and known.adopted_database:
                raise Conflict(
                    "The tenant's database was adopted.",
                    code="tenant_adopted",
                    hint="Repeat the call that adopts it, if it is not active yet.",
                )
            if known:
                require_isolation(known, new.isolation)
            server = self._server_of(known, new.wanted) if known else self._servers.place(new.wanted)
            self._require_bucket(new.wanted.region or (known.region if known else ""))
            limits = new.limits.limits(known.limits if known else Limits())
            request = TenantRequest(
                new.tenant_id,
                region=new.wanted.region,
                isolation=new.isolation,
                limits=limits,
                backups=new.limits.backups,
            )
            tools: ProvisioningTools = {
                "server": server,
                "admin": self._servers.admin(server.server_id),
                "secret_store": self._secrets,
                "registry": self._registry,
            }
            require_free_names(request, **tools)
            if known and known.status is TenantStatus.ACTIVE and not new.empty_home:
                require_home(self._servers, home_of(known, self._secrets.find(new.tenant_id)))
            usage_key = self._usage_plans.ensure(new.tenant_id, limits.plan)
            provision_tenant(replace(request, usage_key=usage_key), **tools)
            self._schedule_rotation(new.tenant_id)
            if new.admin_email:
                self._users.ensure_admin(new.tenant_id, new.admin_email)
        return self.get(new.tenant_id), known is None

    def adopt(self, adoption: Adoption) -> Tenant:
        """Take a database that is in use under management; the same call may be repeated.

        Without a secret, the hand-made one is taken that is stored under the tenant's own name.

        :raises BadRequest, NotFound: id, server, secret or database are not what they have to be; nothing is changed.
        :raises Conflict: tenant or database is taken, or something else is done to one of them.
        """
        tenant_id = adoption.tenant_id
        check_free_to_use(tenant_id)
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            require_not_retired(self._registry, tenant_id)
            server = self._servers.get(adoption.server_id)
            self._require_bucket(adoption.region)
            request = adoption.request or stored_request(self._secrets, adoption)
            with self._leases.hold("database", f"{server.server_id}/{request.database}"):
                adopt_database(
                    request,
                    server=server,
                    admin=self._servers.admin(server.server_id),
                    secret_store=self._secrets,
                    registry=self._registry,
                    meter=lambda: self._usage_plans.ensure(tenant_id, Limits().plan),
                )
            self._schedule_rotation(tenant_id)
            self._require_metered(tenant_id)
        return self.get(tenant_id)

    def get(self, tenant_id: TenantId) -> Tenant:
        """Look a tenant up.

        :raises TenantUnknown: there is no such tenant.
        """
        return known_tenant(self._registry, tenant_id)

    def find(self, tenant_id: TenantId) -> Tenant | None:
        """Look a tenant up by the id that it has, or had before a rename; None if there is none.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return find_by_any_id(self._registry, tenant_id)

    def suspend(self, tenant_id: TenantId) -> Tenant:
        """Serve a tenant no more, and end its sessions; its data and its backups go on.

        API Gateway keeps the authorizer's answers for 60 seconds: so long may requests that come meanwhile be served.

        :raises TenantUnknown, Conflict: there is no such tenant, or it is not served yet.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = self._change(tenant_id, TenantStatus.SUSPENDED)
            self._end_sessions(tenant)
        return tenant

    def resume(self, tenant_id: TenantId) -> Tenant:
        """Serve a suspended tenant again.

        :raises TenantUnknown, Conflict: there is no such tenant, or it was never served.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            return self._change(tenant_id, TenantStatus.ACTIVE)

    def condemn(self, tenant_id: TenantId) -> Tenant:
        """Serve a tenant no more because it is to be erased, and end its sessions; nothing is deleted yet.

        :raises TenantUnknown, Conflict: there is no such tenant, or something else is done to it.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = self.get(tenant_id)
            # A clone that was cut has nothing elsewhere, and no former id: it may be erased instead of finished.
            is_clone = tenant.status is TenantStatus.PROVISIONING and not tenant.former_ids
            if not is_clone:
                # So that everything of the tenant is found.
                require_idle(tenant, hint="Let that operation end, or start it again.")
            tenant = replace(tenant, status=TenantStatus.ERASING)
            self._registry.put_tenant(tenant)
            self._end_sessions(tenant)
        return tenant

    def spare(self, tenant_id: TenantId) -> Tenant:
        """Keep a tenant that was to be erased; it is suspended then, or incomplete as it was before.

        :raises TenantUnknown, Conflict: there is no such tenant, or it was not to be erased.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = self.get(tenant_id)
            if tenant.status is not TenantStatus.ERASING:
                raise Conflict(
                    "The tenant is not to be erased.", code="not_erasing", hint="Nothing has to be done: it is kept."
                )
            # Only one that was never complete is condemned while an operation holds it, which can still finish it.
            kept = TenantStatus.PROVISIONING if tenant.relocation else TenantStatus.SUSPENDED
            tenant = replace(tenant, status=kept)
            self._registry.put_tenant(tenant)
        return tenant

    def _end_sessions(self, tenant: Tenant) -> None:
        credentials = self._secrets.find_usable(tenant.tenant_id)
        if credentials and not self._servers.is_lost(tenant.server_id):
            self._servers.home(tenant.tenant_id, home_of(tenant, credentials)).end_sessions()

    def _require_bucket(self, region: str) -> None:
        if self._buckets.find(region) is None:
            raise Conflict(
                "There is no bucket for backups in that region, which they must not leave.",
                code="no_backup_bucket",
                hint="Make one, name it in the parameter BackupBuckets, and deploy.",
            )

    def _require_metered(self, tenant_id: TenantId) -> None:
        """Give a tenant its usage key that was adopted before there were any."""
        tenant = self.get(tenant_id)
        if not tenant.usage_key:
            key = self._usage_plans.ensure(tenant_id, tenant.limits.plan)
            self._registry.put_tenant(replace(tenant, usage_key=key))

    def _schedule_rotation(self, tenant_id: TenantId) -> None:
        if self._rotation_function:
            self._secrets.schedule_rotation(tenant_id, self._rotation_function, rotation_schedule(tenant_id))

    def _change(self, tenant_id: TenantId, status: TenantStatus) -> Tenant:
        tenant = self.get(tenant_id)
        require_complete(tenant)
        changed = replace(tenant, status=status)
        self._registry.put_tenant(changed)
        return changed

    def _server_of(self, tenant: Tenant, wanted: Wanted) -> Server:
        """Find where it lies; what is asked for now has to agree with that."""
        if tenant.status is TenantStatus.SUSPENDED:
            raise Conflict("The tenant is suspended.", code="tenant_suspended", hint="Resume it first.")
        require_kept(tenant)
        server = self._servers.get(tenant.server_id)
        if not wanted.allows(server):
            raise Conflict(
                "The tenant lies on another server than that.",
                code="tenant_elsewhere",
                hint="Leave region and labels as they are, or move it.",
            )
        return server
