"""Tenants: their ids, roles and what the registry knows of them."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.errors import BadRequest, TenantRenamed, TenantSuspended, TenantUnknown, TenantUnmetered
from tenantry.domain.retention_policy import RetentionPolicy

_TENANT_ID = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]")


@dataclass(frozen=True, slots=True, order=True)
class TenantId:
    """An id that has been checked: 3 to 30 of `a-z`, `0-9` and `-`, as in DESIGN section 3.

    Made from a verified token, the registry or an operator's path only. It is safe in a secret's name, an S3 key and
    (quoted) as a part of a role's name: it holds no `_`, so `{id}_owner` belongs to exactly one tenant.
    """

    value: str

    def __post_init__(self) -> None:
        if not _TENANT_ID.fullmatch(self.value):
            raise BadRequest(
                "That is no tenant id.",
                code="invalid_tenant_id",
                hint="3 to 30 lower case letters, digits and hyphens; a letter first, no hyphen last.",
            )

    def __str__(self) -> str:
        return self.value


class Role(StrEnum):
    """What a caller may do: the first three inside one tenant, the operator on the platform."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OPERATOR = "operator"


TENANT_ROLES = (Role.VIEWER, Role.EDITOR, Role.ADMIN)

# The database role that a caller's role becomes inside a transaction.
_ROLE_SUFFIX = {Role.VIEWER: "viewer", Role.EDITOR: "editor", Role.ADMIN: "owner"}


# Names that PostgreSQL, AWS or Tenantry have a use for.
_RESERVED = frozenset({"admin", "operator", "postgres", "public", "rdsadmin", "template0", "template1", "tenantry"})


def check_free_to_use(tenant_id: TenantId) -> None:
    """Refuse an id that a new tenant must not have.

    :raises BadRequest: it is reserved.
    """
    if tenant_id.value in _RESERVED or tenant_id.value.startswith("pg-"):
        raise BadRequest("That tenant id is reserved.", code="reserved_tenant_id", hint="Choose another.")


def database_role(tenant_id: TenantId, role: Role) -> str:
    """Name the PostgreSQL role of a tenant's caller, such as `mycompany_viewer`.

    :raises KeyError: for an operator, who has none.
    """
    return f"{tenant_id.value}_{_ROLE_SUFFIX[role]}"


def owner_role(tenant_id: TenantId) -> str:
    """Name the role that owns the tenant's objects."""
    return database_role(tenant_id, Role.ADMIN)


class Isolation(StrEnum):
    """Where a tenant lives: DESIGN section 4, "Three isolation models"."""

    DATABASE = "database"
    SCHEMA = "schema"
    POOLED = "pooled"


class TenantStatus(StrEnum):
    """Whether the registry lets a tenant be served."""

    ACTIVE = "active"
    PROVISIONING = "provisioning"
    SUSPENDED = "suspended"
    ERASING = "erasing"


class BackupFrequency(StrEnum):
    """How often a tenant is backed up at least."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a tenant may use at once: sessions of each of its logins, time of one statement, requests a second.

    A `statement_timeout_ms` of 0 is the data API's own limit; `plan` names a usage plan of the stack, which bounds the
    rate.
    """

    connections: int = 50
    statement_timeout_ms: int = 0
    plan: str = "standard"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a tenant lives: a database of its own, a schema of a shared database, or rows of shared tables."""

    server_id: str
    isolation: Isolation
    database: str
    schema: str


# Shared databases, one of each kind on a server. No tenant's own has such a name: an id holds no `_`.
SCHEMAS_DATABASE = "tenantry_schemas"
POOL_DATABASE = "tenantry_pool"


# Who reads and who writes shared tables: a pooled tenant's roles are members of these.
_POOL_GROUPS = {
    Role.VIEWER: "tenantry_pool_viewer",
    Role.EDITOR: "tenantry_pool_editor",
    # Nobody owns shared tables, so that nobody changes them for all others.
    Role.ADMIN: "tenantry_pool_editor",
}


def pool_groups(tenant_id: TenantId) -> dict[str, str]:
    """Name, for each of a pooled tenant's roles, the role whose rights it has to have."""
    return {database_role(tenant_id, role): group for role, group in _POOL_GROUPS.items()}


def new_home(tenant_id: TenantId, server_id: str, isolation: Isolation) -> Home:
    """Say where a tenant that is made lives."""
    match isolation:
        case Isolation.DATABASE:
            return Home(server_id, isolation, tenant_id.value, "public")
        case Isolation.SCHEMA:
            return Home(server_id, isolation, SCHEMAS_DATABASE, tenant_id.value)
        case Isolation.POOLED:
            return Home(server_id, isolation, POOL_DATABASE, "public")


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the registry knows of one tenant."""

    tenant_id: TenantId
    status: TenantStatus
    isolation: Isolation
    server_id: str
    # The only region that its data may lie in; empty: any.
    region: str = ""
    # The revision that its schema was at last; empty: not known, or not ours.
    schema_revision: str = ""
    # The database that it had before it became a tenant, under the name that it keeps; empty: we made its database.
    adopted_database: str = ""
    # The login of that database's application, which adoption made a member of the tenant's owner; empty: not known.
    adopted_user: str = ""
    limits: Limits = field(default_factory=Limits)
    # What its requests are counted under: the value of its API key, which is no credential (decision 14); empty: none.
    usage_key: str = field(default="", repr=False)
    backups: BackupFrequency = BackupFrequency.DAILY
    # Where it lived before a move or a promotion that nobody has confirmed yet: kept, closed, for an undo.
    former_home: Home | None = None
    # The operation that moves it now; its credentials are not rotated meanwhile.
    relocation: str = ""
    # Ids that it had before it was renamed: nobody else's ever again.
    former_ids: tuple[TenantId, ...] = ()
    # When it began; a token from before is none of its. None: it was made before that was written down.
    known_since: datetime | None = field(default=None, compare=False)
    # Which of its backups are kept; nothing: as the stack says.
    retention: RetentionPolicy | None = None
    data_api: DataApiSettings = field(default_factory=DataApiSettings)


def all_ids(tenant: Tenant) -> tuple[TenantId, ...]:
    """List the ids under which a tenant's backups may lie: its own, and those that it had before."""
    return (tenant.tenant_id, *tenant.former_ids)


# What the authorizer says of an id that its tenant had before; no tenant has this status.
RENAMED = "renamed"
# What it says of a tenant that is active and has no usage key.
UNMETERED = "unmetered"


@dataclass(frozen=True, slots=True)
class FormerId:
    """An id that a tenant had before it was renamed, and the id that the tenant has now. Nobody else gets it."""

    tenant_id: TenantId
    successor: TenantId
    retired_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the authorizer verified it; `claims` is the token's payload as JSON."""

    tenant_id: TenantId
    user_id: str
    role: Role
    claims: str
    data_api: DataApiSettings = field(default_factory=DataApiSettings)


def check_served(status: str) -> None:
    """Let an active tenant pass.

    :param status: the registry's word; anything but a known status counts as unknown.
    :raises TenantSuspended, TenantRenamed, TenantUnmetered, TenantUnknown: the tenant is not to be served.
    """
    if status == TenantStatus.ACTIVE:
        return
    if status == TenantStatus.SUSPENDED:
        raise TenantSuspended()
    if status == RENAMED:
        raise TenantRenamed()
    if status == UNMETERED:
        raise TenantUnmetered()
    raise TenantUnknown()
