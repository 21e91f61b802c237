"""Facts about a fleet as read from servers and AWS, which reports compare with the registry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tenantry.domain.errors import BadRequest
from tenantry.domain.server import Server
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId, TenantStatus, new_home

# Identifies a running server, whatever its id and its address are.
type RunningServer = tuple[str, str]

_ROLE_KINDS = ("owner", "editor", "viewer", "login_a", "login_b")
LOGIN_KINDS = ("login_a", "login_b")
# Logins for backups: a tenant may have both or neither.
_BACKUP_KINDS = ("dump", "count")
# A login that exists only while a tenant's rows are copied.
COPY_KIND = "copy"


class SecretFacts(NamedTuple):
    """A secret without its content. `pending` are the versions of an unfinished rotation."""

    name: str
    tags: Mapping[str, str]
    rotates: bool
    pending: tuple[str, ...]
    created_at: datetime
    changed_at: datetime


class UsageKey(NamedTuple):
    """One of our API keys: the tenant id in its name, and its tags."""

    key_id: str
    name: str
    tenant: str
    tags: Mapping[str, str]


class UserFacts(NamedTuple):
    """A user of the pool, with the tenant and the role that its token will name; empty if it names none."""

    username: str
    tenant: str
    role: str


class DatabaseOnServer(NamedTuple):
    """A database: its owner, the tenant id in its settings, and whether it is a template, which can't be dropped."""

    name: str
    owner: str
    identity: str | None
    is_template: bool = False


class RoleOnServer(NamedTuple):
    """A role; a limit of -1 means no limit."""

    name: str
    connection_limit: int


class ReadOnlySetting(NamedTuple):
    """A setting that makes transactions read only, for a role, in a database, or both; empty means any."""

    database: str
    role: str


@dataclass(frozen=True, slots=True)
class ServerContent:
    """The tenants' content of one server.

    `schemas` are those of the database that tenants share by schema, `pool_revision` is the shared tables' revision.
    """

    databases: list[DatabaseOnServer]
    roles: list[RoleOnServer]
    read_only: list[ReadOnlySetting]
    schemas: list[str] = field(default_factory=list)
    pool_revision: str | None = None
    # What only this running server has; None: not read.
    running: RunningServer | None = None


def homes_of(tenant: Tenant) -> list[Home]:
    """List a tenant's homes: its present one, and a former one that it can return to."""
    return [expected_home(tenant), *([tenant.former_home] if tenant.former_home else [])]


def role_holder(role: str) -> str:
    """Return the tenant id in a role's name; empty if it is not a tenant's role. Ids contain no underscore."""
    prefix, _, kind = role.partition("_")
    return prefix if kind in (*_ROLE_KINDS, *_BACKUP_KINDS, COPY_KIND) and is_tenant_id(prefix) else ""


def role_names(tenant_id: TenantId) -> list[str]:
    """Return the names of a tenant's five roles."""
    return [f"{tenant_id.value}_{kind}" for kind in _ROLE_KINDS]


def is_tenant_id(text: str) -> bool:
    """Tell whether a text is a valid tenant id."""
    try:
        TenantId(text)
    except BadRequest:
        return False
    return True


def expected_home(tenant: Tenant) -> Home:
    """Return a tenant's home according to the registry; it does not know an adopted tenant's schema, which is empty."""
    if tenant.adopted_database and tenant.isolation is Isolation.DATABASE:
        return Home(tenant.server_id, tenant.isolation, tenant.adopted_database, "")
    return new_home(tenant.tenant_id, tenant.server_id, tenant.isolation)


class Fleet:
    """The registry's content: tenants and servers by their ids."""

    def __init__(self, tenants: Iterable[Tenant], servers: Iterable[Server]) -> None:
        """Take all tenants and servers."""
        self.tenants = {tenant.tenant_id.value: tenant for tenant in tenants}
        self.servers = {server.server_id: server for server in servers}
        self._former = {former.value: tenant for tenant in self.tenants.values() for former in tenant.former_ids}

    @property
    def settled(self) -> list[Tenant]:
        """List the tenants that have to be complete: not those that are being made or erased."""
        over = (TenantStatus.ACTIVE, TenantStatus.SUSPENDED)
        return [tenant for tenant in self.tenants.values() if tenant.status in over]

    def of_any_time(self, tenant: str) -> Tenant | None:
        """Find a tenant by its present id or by one that it had before a rename."""
        return self.tenants.get(tenant) or self._former.get(tenant)

    def server_ids(self) -> list[str]:
        """List the ids of all servers that are registered or that a tenant lives on."""
        return sorted({*self.servers, *(tenant.server_id for tenant in self.tenants.values())})
