"""Changes what a tenant's data API exposes while it is served, and renews it where the tenant was copied to."""

from dataclasses import replace

from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.domain.data_api import DataApiChange, DataApiSettings
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId
from tenantry.homes.exposure import Exposure, check_callable
from tenantry.homes.factory import home_of
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.servers.servers import Servers
from tenantry.tenants.changeable import changeable_tenant


class DataApis:
    """The data APIs of one stage's tenants."""

    def __init__(self, registry: Registry, secrets: SecretStore, servers: Servers, leases: Leases) -> None:
        """Take the adapters."""
        self._registry = registry
        self._secrets = secrets
        self._servers = servers
        self._leases = leases

    def set(self, tenant_id: TenantId, change: DataApiChange) -> Tenant:
        """Change the given settings and keep the rest; a repeated call is harmless, and finishes one that was cut off.

        The rights come first, so that no schema is exposed before the roles can reach it.

        :raises TenantUnknown: there is no such tenant.
        :raises BadRequest: the settings are invalid, or the database has no such schema, or no such function that all
            its users may call; nothing is changed.
        :raises Conflict: the tenant has only one schema, or an operation is working on it.
        """
        with self._leases.hold(TENANT_LEASE, tenant_id.value):
            tenant = changeable_tenant(self._registry, tenant_id)
            settings = change.apply(tenant.data_api)
            # Written, to see that there is room, before anything is changed.
            settings.to_context()
            if change.pre_request:
                self._check_pre_request(tenant, settings)
            if change.schemas is not None:
                self._expose(tenant, settings)
            tenant = replace(tenant, data_api=settings)
            self._registry.put_tenant(tenant)
        return tenant

    def _check_pre_request(self, tenant: Tenant, settings: DataApiSettings) -> None:
        home = home_of(tenant, self._secrets.find(tenant.tenant_id))
        named = settings.pre_request_in(home.schema)
        if named:
            check_callable(self._servers.connector(home.server_id), tenant.tenant_id, home, *named)

    def _expose(self, tenant: Tenant, settings: DataApiSettings) -> None:
        home = home_of(tenant, self._secrets.find(tenant.tenant_id))
        is_changed = settings.schemas != tenant.data_api.schemas
        if home.isolation is not Isolation.DATABASE:
            if settings.schemas != DataApiSettings().schemas:
                raise Conflict(
                    "The tenant has one schema, which is exposed.",
                    code="one_schema",
                    hint="Others can be exposed in a database of its own: promote it first.",
                )
            return
        if is_changed and tenant.former_home:
            # The former home has the rights from when the tenant left it, or can't expose several schemas at all.
            raise Conflict(
                "The tenant's last move or restore is neither confirmed nor undone.",
                code="move_unconfirmed",
                hint="Confirm or undo it first.",
            )
        before, after = (set(each.exposed(home.schema)) for each in (tenant.data_api, settings))
        # The same list once more opens what was made anew; another schema opens nothing that its owner has closed.
        kept = before & after if before != after else set[str]()
        Exposure(self._servers.connector(home.server_id), tenant.tenant_id, home).change(after, before - after, kept)


def renew_exposure(servers: Servers, tenant: Tenant, home: Home) -> None:
    """Give editor and viewer their rights in the exposed schemas of a database that was copied or restored.

    A schema that is missing because the restored data is older stays in the settings; the data API shows it as empty.

    :raises TenantryError: the server refused.
    """
    if home.isolation is Isolation.DATABASE:
        exposed = tenant.data_api.exposed(home.schema)
        Exposure(servers.connector(home.server_id), tenant.tenant_id, home).renew(exposed)
