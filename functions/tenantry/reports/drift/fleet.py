"""What there is of a fleet outside its registry: facts as they were read, which reports compare with the registry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tenantry.domain.errors import BadRequest
from tenantry.domain.server import Server
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId, TenantStatus, new_home

_ROLE_KINDS = ("owner", "editor", "viewer", "login_a", "login_b")
LOGIN_KINDS = ("login_a", "login_b")
# A login that there is only while a tenant's rows are being copied.
COPY_KIND = "copy"


class SecretFacts(NamedTuple):
    """A secret without its content. `pending` are the versions that wait for a rotation to be ended."""

    name: str
    tags: Mapping[str, str]
    rotates: bool
    pending: tuple[str, ...]
    created_at: datetime
    changed_at: datetime


class UsageKey(NamedTuple):
    """An API key of ours: whose its name says that it is, and its tags."""

    key_id: str
    name: str
    tenant: str
    tags: Mapping[str, str]


class UserFacts(NamedTuple):
    """A user of the pool, with the tenant and the role that its token will name; empty: none."""

    username: str
    tenant: str
    role: str


class DatabaseOnServer(NamedTuple):
    """A database, but a template: its owner, and whose it says that it is."""

    name: str
    owner: str
    identity: str | None


class RoleOnServer(NamedTuple):
    """A role; a limit of -1 is none."""

    name: str
    connection_limit: int


class ReadOnlySetting(NamedTuple):
    """That transactions are read only for a role, in a database, or both; empty: any."""

    database: str
    role: str


@dataclass(frozen=True, slots=True)
class ServerContent:
    """What of tenants is on one server.

    `schemas` are those of the database that tenants share by schema, `pool_revision` is what the shared tables are at.
    """

    databases: list[DatabaseOnServer]
    roles: list[RoleOnServer]
    read_only: list[ReadOnlySetting]
    schemas: list[str] = field(default_factory=list)
    pool_revision: str | None = None


def homes_of(tenant: Tenant) -> list[Home]:
    """List where things of a tenant may lie: its home, and the one that it left and can still go back to."""
    return [expected_home(tenant), *([tenant.former_home] if tenant.former_home else [])]


def role_holder(role: str) -> str:
    """Name the tenant whose role it is by its name; empty: it is none of ours. No tenant's id holds an underscore."""
    prefix, _, kind = role.partition("_")
    return prefix if kind in (*_ROLE_KINDS, COPY_KIND) and is_tenant_id(prefix) else ""


def role_names(tenant_id: TenantId) -> list[str]:
    """Name the five roles of a tenant."""
    return [f"{tenant_id.value}_{kind}" for kind in _ROLE_KINDS]


def is_tenant_id(text: str) -> bool:
    """Tell whether a text could be a tenant's id."""
    try:
        TenantId(text)
    except BadRequest:
        return False
    return True


def expected_home(tenant: Tenant) -> Home:
    """Say where a tenant lives according to the registry; an adopted one's schema is not known to it, so empty."""
    if tenant.adopted_database and tenant.isolation is Isolation.DATABASE:
        return Home(tenant.server_id, tenant.isolation, tenant.adopted_database, "")
    return new_home(tenant.tenant_id, tenant.server_id, tenant.isolation)


class Fleet:
    """The registry: tenants and servers by their ids."""

    def __init__(self, tenants: Iterable[Tenant], servers: Iterable[Server]) -> None:
        """Take what it holds."""
        self.tenants = {tenant.tenant_id.value: tenant for tenant in tenants}
        self.servers = {server.server_id: server for server in servers}
        self._former = {former.value: tenant for tenant in self.tenants.values() for former in tenant.former_ids}

    @property
    def settled(self) -> list[Tenant]:
        """List the tenants of which everything has to be there: not those that are being made or erased."""
        over = (TenantStatus.ACTIVE, TenantStatus.SUSPENDED)
        return [tenant for tenant in self.tenants.values() if tenant.status in over]

    def of_any_time(self, tenant: str) -> Tenant | None:
        """Find a tenant by the id that it has, or had before it was renamed."""
        return self.tenants.get(tenant) or self._former.get(tenant)

    def server_ids(self) -> list[str]:
        """Name every server that is registered, or that a tenant lives on."""
        return sorted({*self.servers, *(tenant.server_id for tenant in self.tenants.values())})
