"""Tenants: their ids, their roles, and their entries in the registry."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.errors import BadRequest, TenantRenamed, TenantSuspended, TenantUnknown, TenantUnmetered
from tenantry.domain.retention_policy import RetentionPolicy

_TENANT_ID = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]")


@dataclass(frozen=True, slots=True, order=True)
class TenantId:
    """A checked tenant id: 3 to 30 characters of `a-z`, `0-9` and `-`, as in DESIGN section 3.

    It is made only from a verified token, the registry or an operator's path. It is safe in a secret's name, in an S3
    key and (quoted) in a role's name. It contains no `_`, so `{id}_owner` belongs to exactly one tenant.
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
    """What a caller may do: the first three roles act inside one tenant, the operator acts on the platform."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OPERATOR = "operator"


TENANT_ROLES = (Role.VIEWER, Role.EDITOR, Role.ADMIN)

# The database role that a caller's role becomes inside a transaction.
_ROLE_SUFFIX = {Role.VIEWER: "viewer", Role.EDITOR: "editor", Role.ADMIN: "owner"}


# Names that PostgreSQL, AWS or Tenantry use themselves.
_RESERVED = frozenset({"admin", "operator", "postgres", "public", "rdsadmin", "template0", "template1", "tenantry"})


def check_free_to_use(tenant_id: TenantId) -> None:
    """Refuse a reserved id for a new tenant.

    :raises BadRequest: the id is reserved.
    """
    if tenant_id.value in _RESERVED or tenant_id.value.startswith("pg-"):
        raise BadRequest("That tenant id is reserved.", code="reserved_tenant_id", hint="Choose another.")


def database_role(tenant_id: TenantId, role: Role) -> str:
    """Name the PostgreSQL role of a tenant's caller, such as `mycompany_viewer`.

    :raises KeyError: the role is the operator, which has no database role.
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
    """The status of a tenant, which decides whether it is served."""

    ACTIVE = "active"
    PROVISIONING = "provisioning"
    SUSPENDED = "suspended"
    ERASING = "erasing"


class BackupFrequency(StrEnum):
    """The least frequency of a tenant's backups."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Limits:
    """A tenant's limits: the sessions of each of its logins, the time of one statement, and its request rate.

    A `statement_timeout_ms` of 0 means the data API's own limit; `plan` names a usage plan of the stack, which limits
    the rate. `max_bytes` is how much its home may take up: -1 is what the plan gives (`domain/quota.py`), 0 no limit.
    """

    connections: int = 50
    statement_timeout_ms: int = 0
    plan: str = "standard"
    max_bytes: int = -1


@dataclass(frozen=True, slots=True)
class Home:
    """Where a tenant lives: a database of its own, a schema of a shared database, or rows of shared tables."""

    server_id: str
    isolation: Isolation
    database: str
    schema: str


# What all tenants of a server have in common has such a name: shared databases, their drafts, templates.
SERVERS_PREFIX = "tenantry_"
# The shared databases, one of each kind on a server. No tenant's own database has such a name: ids contain no `_`.
SCHEMAS_DATABASE = "tenantry_schemas"
POOL_DATABASE = "tenantry_pool"


# The roles that read and write the shared tables; a pooled tenant's roles are members of these.
_POOL_GROUPS = {
    Role.VIEWER: "tenantry_pool_viewer",
    Role.EDITOR: "tenantry_pool_editor",
    # An admin is only an editor here: whoever owned the shared tables could change them for all tenants.
    Role.ADMIN: "tenantry_pool_editor",
}


def pool_groups(tenant_id: TenantId) -> dict[str, str]:
    """Map each of a pooled tenant's roles to the group role whose rights it has."""
    return {database_role(tenant_id, role): group for role, group in _POOL_GROUPS.items()}


def new_home(tenant_id: TenantId, server_id: str, isolation: Isolation) -> Home:
    """Return the home of a new tenant."""
    match isolation:
        case Isolation.DATABASE:
            return Home(server_id, isolation, tenant_id.value, "public")
        case Isolation.SCHEMA:
            return Home(server_id, isolation, SCHEMAS_DATABASE, tenant_id.value)
        case Isolation.POOLED:
            return Home(server_id, isolation, POOL_DATABASE, "public")


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A home that could not be dropped when it should have been, and the id that its tenant had then."""

    tenant_id: TenantId
    home: Home


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant's entry in the registry."""

    tenant_id: TenantId
    status: TenantStatus
    isolation: Isolation
    server_id: str
    # The only region that may hold its data; empty means any.
    region: str = ""
    # The last known revision of its schema; empty if unknown, or if Tenantry's migrations do not manage the schema.
    schema_revision: str = ""
    # The database that was adopted with the tenant and keeps its name; empty if Tenantry made the database.
    adopted_database: str = ""
    # The login of that database's application, which adoption made a member of the tenant's owner; empty: not known.
    adopted_user: str = ""
    limits: Limits = field(default_factory=Limits)
    # The value of its API key, which counts its requests and is not a credential (decision 14); empty if it has none.
    usage_key: str = field(default="", repr=False)
    backups: BackupFrequency = BackupFrequency.DAILY
    # Its home before a move or a promotion that is not confirmed yet; kept, closed, for an undo.
    former_home: Home | None = None
    # The id of the operation that holds the tenant, such as a move; its credentials are not rotated meanwhile.
    relocation: str = ""
    # The ids that it had before renames; no other tenant ever gets them.
    former_ids: tuple[TenantId, ...] = ()
    # When it began; a token from before is none of its. None: it was made before that was written down.
    known_since: datetime | None = field(default=None, compare=False)
    # Its own retention policy; None means the stack's.
    retention: RetentionPolicy | None = None
    data_api: DataApiSettings = field(default_factory=DataApiSettings)
    # Whether it takes up more than its limit, so that its data API takes nothing in. Only QuotaWatch decides this.
    over_quota: bool = False
    # Homes of its own that are no longer used and may still be there; an erasure takes them along.
    left_behind: tuple[LeftBehind, ...] = ()


def leave_behind(tenant: Tenant, home: Home) -> Tenant:
    """Return the tenant's entry with one more home that was left behind."""
    left = dict.fromkeys((*tenant.left_behind, LeftBehind(tenant.tenant_id, home)))
    return replace(tenant, left_behind=tuple(left))


def all_ids(tenant: Tenant) -> tuple[TenantId, ...]:
    """List the ids under which a tenant's backups may be stored: its present id, and those that it had before."""
    return (tenant.tenant_id, *tenant.former_ids)


# The authorizer's status for an id that a tenant had before a rename; no tenant has this status in the registry.
RENAMED = "renamed"
# The authorizer's status for an active tenant without a usage key.
UNMETERED = "unmetered"


@dataclass(frozen=True, slots=True)
class FormerId:
    """An id that a tenant had before a rename, with its present id. No other tenant gets a former id."""

    tenant_id: TenantId
    successor: TenantId
    retired_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified caller of a request; `claims` is the token's payload as JSON."""

    tenant_id: TenantId
    user_id: str
    role: Role
    claims: str
    data_api: DataApiSettings = field(default_factory=DataApiSettings)
    # Whether the tenant takes up more than it may: then nothing is taken in.
    over_quota: bool = False
    # Whether its schema was not at the revision that is required when the authorizer looked.
    is_behind: bool = False


def check_served(status: str) -> None:
    """Require that a tenant is served.

    :param status: from the registry or the authorizer; any other text counts as unknown.
    :raises TenantSuspended, TenantRenamed, TenantUnmetered, TenantUnknown: the tenant is not served.
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
