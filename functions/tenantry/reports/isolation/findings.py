"""What an operator's reports say. Names of tenants, servers, databases, roles and tables: no host, no password."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Isolation, Tenant, TenantId, pool_groups


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    CRITICAL = "critical"  # a tenant reaches what is another's, or the server
    HIGH = "high"  # one wall of several is missing
    MEDIUM = "medium"  # a wall is weaker than it should be
    LOW = "low"  # nothing is open, and it is not as it should be


class Hole(StrEnum):
    """What was found. The first group was tried as the tenant, the second read as the server's administrator."""

    LOGIN_ACCEPTED = "login_accepted"
    MAY_CONNECT = "may_connect"
    ROWS_READABLE = "rows_readable"
    ROWS_WRITABLE = "rows_writable"
    ROLE_ASSUMED = "role_assumed"
    PASSWORDS_READABLE = "passwords_readable"
    FILES_READABLE = "files_readable"
    FILES_WRITABLE = "files_writable"
    PROGRAMS_RUN = "programs_run"
    ROLES_MADE = "roles_made"
    WRONG_IDENTITY = "wrong_identity"

    ROLE_ATTRIBUTE = "role_attribute"
    FOREIGN_MEMBERSHIP = "foreign_membership"
    INHERITED_RIGHTS = "inherited_rights"
    PUBLIC_CONNECT = "public_connect"
    FOREIGN_CONNECT = "foreign_connect"
    DATABASE_IDENTITY = "database_identity"
    PUBLIC_GRANT = "public_grant"
    FOREIGN_GRANT = "foreign_grant"
    SUPERUSER_FUNCTION = "superuser_function"
    NO_ROW_SECURITY = "no_row_security"
    INDEX_ORDER = "index_order"
    ROTATION_OVERDUE = "rotation_overdue"


@dataclass(frozen=True, slots=True)
class Finding:
    """One hole: whose wall it is in, or who got through it.

    `tenant` is empty where it is nobody's in particular; `other` is the tenant, database or role on the far side;
    `where` is the table, role or attribute.
    """

    what: Hole
    severity: Severity
    server: str
    tenant: str = ""
    other: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Unchecked:
    """What could not be checked, and why: the code of an error of ours, or an SQLSTATE."""

    server: str
    tenant: str
    other: str
    code: str


@dataclass(frozen=True, slots=True)
class IsolationReport:
    """What an audit tried and found; `started_at` as ISO 8601, in UTC.

    `attempts` counts what was tried as a tenant, in all and by server and tenant. It passed when everything could be
    checked and nothing was found.
    """

    started_at: str
    seconds: float
    tenants: int
    attempts: int
    attempts_by_server: dict[str, int]
    attempts_by_tenant: dict[str, int]
    findings: list[Finding]
    unchecked: list[Unchecked]

    @property
    def passed(self) -> bool:
        """Whether the walls are proved to stand."""
        return not self.findings and not self.unchecked

    def to_json(self) -> dict[str, Any]:
        """Build what an operator is answered."""
        return {"passed": self.passed, **asdict(self)}


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def sort_findings(findings: set[Finding]) -> list[Finding]:
    """Put the worst first, then by server and tenant."""
    return sorted(findings, key=lambda f: (_RANK[f.severity], f.server, f.tenant, f.other, f.what, f.where))


class AuditedRole(NamedTuple):
    """A role of a server; a limit of -1 is none."""

    name: str
    may_log_in: bool
    connection_limit: int
    attributes: list[str]


class Membership(NamedTuple):
    """That one role may become another; `inherits`: it has the other's rights without becoming it."""

    member: str
    role: str
    inherits: bool


class OpenDatabase(NamedTuple):
    """A database that takes connections: the roles that may connect ('' is PUBLIC), and whose it says it is."""

    name: str
    may_connect: list[str]
    identity: str | None


class Relation(NamedTuple):
    """A table or view; `kind` as `pg_class.relkind`, and the indexes of it that do not lead with `tenant_id`."""

    schema: str
    name: str
    kind: str
    row_security: bool
    forced: bool
    owner: str
    has_tenant_id: bool
    other_indexes: list[str]
    # As a grant names it.
    object: str


class Grant(NamedTuple):
    """That somebody else than the owner ('' is PUBLIC) has a right on an object; no schema: on every one."""

    object: str
    schema: str
    grantee: str


@dataclass(frozen=True, slots=True)
class ServerWalls:
    """What walls between tenants there are on a server."""

    roles: list[AuditedRole]
    memberships: list[Membership]
    databases: list[OpenDatabase]


@dataclass(frozen=True, slots=True)
class DatabaseContent:
    """What walls there are in one database."""

    relations: list[Relation]
    grants: list[Grant]
    superuser_functions: list[str]


# What can be tried where the administrator is not let in: the databases that every server has.
UNSEEN = ServerWalls([], [], [OpenDatabase(name, [], None) for name in ("postgres", "template1")])
UNREAD = DatabaseContent([], [], [])


@dataclass(frozen=True, slots=True)
class LocatedTenant:
    """A tenant and where its secret says that it lives."""

    tenant: Tenant
    credentials: Credentials

    @property
    def name(self) -> str:
        """The tenant's id."""
        return self.tenant.tenant_id.value


class ServerTenants:
    """The tenants of one server, by their databases and roles."""

    def __init__(self, server_id: str, residents: Iterable[LocatedTenant], tenants: Iterable[Tenant]) -> None:
        """Take those whose secrets could be read, and all tenants: those that moved away may have roles here still."""
        self.server_id = server_id
        self.all = [resident for resident in residents if resident.tenant.server_id == server_id]
        self._ids = {tenant.tenant_id.value for tenant in tenants}
        self._pooled = {resident.name for resident in self.all if _is_pooled(resident.tenant)}
        self._by_login = {resident.credentials.username: resident.name for resident in self.all}

    def of(self, database: str) -> list[LocatedTenant]:
        """List who lives in a database."""
        return [resident for resident in self.all if resident.credentials.dbname == database]

    def owner_of(self, database: str) -> str:
        """Name the one tenant that lives in a database; empty: nobody, or several."""
        found = self.of(database)
        return found[0].name if len(found) == 1 else ""

    def shares_tables(self, tenant: str) -> bool:
        """Whether a tenant lives in shared tables, or did so until a promotion that can be undone."""
        return tenant in self._pooled

    def holder_of(self, role: str) -> str:
        """Name the tenant that a role belongs to, if any. No tenant's id holds an underscore."""
        prefix, underscore, _ = role.partition("_")
        return self._by_login.get(role) or (prefix if underscore and prefix in self._ids else "")


def _is_pooled(tenant: Tenant) -> bool:
    former = tenant.former_home
    return tenant.isolation is Isolation.POOLED or bool(former and former.isolation is Isolation.POOLED)


_ATTRIBUTES = {"SUPERUSER": Severity.CRITICAL, "BYPASSRLS": Severity.CRITICAL, "INHERIT": Severity.MEDIUM}


def judge(residents: ServerTenants, facts: ServerWalls, contents: dict[str, DatabaseContent]) -> Iterator[Finding]:
    """Look for holes in what a server's roles and databases are set to, and in what is in its tenants' databases."""
    for role in facts.roles:
        holder = residents.holder_of(role.name)
        for attribute in role.attributes if holder else ():
            # So a pooled tenant has the rights of a group in PostgreSQL 15; a group of another's is found below.
            if attribute == "INHERIT" and not role.may_log_in and residents.shares_tables(holder):
                continue
            severity = _ATTRIBUTES.get(attribute, Severity.HIGH)
            where = f"{role.name} {attribute}"
            yield Finding(Hole.ROLE_ATTRIBUTE, severity, residents.server_id, holder, where=where)
    for membership in facts.memberships:
        yield from _judge_membership(residents, membership)
    for database in facts.databases:
        yield from _judge_database(residents, database)
    for name, content in contents.items():
        yield from _judge_content(residents, name, content)


def _judge_membership(residents: ServerTenants, membership: Membership) -> Iterator[Finding]:
    server, where = residents.server_id, f"{membership.member} in {membership.role}"
    member, holder = residents.holder_of(membership.member), residents.holder_of(membership.role)
    if (
        member
        and residents.shares_tables(member)
        and pool_groups(TenantId(member)).get(membership.member) == membership.role
    ):
        return
    if member and member == holder:
        if membership.inherits:
            yield Finding(Hole.INHERITED_RIGHTS, Severity.MEDIUM, server, member, where=where)
    elif member:
        yield Finding(Hole.FOREIGN_MEMBERSHIP, Severity.CRITICAL, server, member, holder or membership.role, where)
    elif holder:
        yield Finding(Hole.FOREIGN_MEMBERSHIP, Severity.HIGH, server, holder, membership.member, where)


def _judge_database(residents: ServerTenants, database: OpenDatabase) -> Iterator[Finding]:
    server, owner = residents.server_id, residents.owner_of(database.name)
    here = residents.of(database.name)
    names = {resident.name for resident in here}
    for role in database.may_connect:
        holder = residents.holder_of(role)
        if not role:
            yield Finding(Hole.PUBLIC_CONNECT, Severity.HIGH, server, owner, where=database.name)
        # What a move or a restore left aside for a while is the tenant's own, and nobody lives in it.
        elif holder and holder not in names and (names or holder != database.identity):
            other = owner or database.name
            yield Finding(Hole.FOREIGN_CONNECT, Severity.CRITICAL, server, holder, other, database.name)
    # Where tenants share a database, each login says whose it is, and the database nothing.
    alone = len(here) == 1 and here[0].tenant.isolation is Isolation.DATABASE
    if here and database.identity != (owner if alone else None):
        identity = database.identity or ""
        yield Finding(Hole.DATABASE_IDENTITY, Severity.HIGH, server, owner, identity, database.name)


def _judge_content(residents: ServerTenants, database: str, content: DatabaseContent) -> Iterator[Finding]:
    server, owner = residents.server_id, residents.owner_of(database)
    schemas = {resident.name: resident.credentials.schema for resident in residents.of(database)}
    for grant in content.grants:
        holder = residents.holder_of(grant.grantee)
        if not grant.grantee:
            yield Finding(Hole.PUBLIC_GRANT, Severity.HIGH, server, owner, database, grant.object)
        elif holder and holder != owner and grant.schema not in ("", schemas.get(holder)):
            yield Finding(Hole.FOREIGN_GRANT, Severity.CRITICAL, server, holder, owner or database, grant.object)
    for function in content.superuser_functions:
        yield Finding(Hole.SUPERUSER_FUNCTION, Severity.HIGH, server, owner, database, function)
    pooled = {
        resident.credentials.schema
        for resident in residents.of(database)
        if resident.tenant.isolation is Isolation.POOLED
    }
    granted = {grant.object for grant in content.grants}
    for relation in content.relations:
        is_reached = bool(residents.holder_of(relation.owner)) or relation.object in granted
        # What only its owner reaches, who is nobody's tenant, holds nobody's rows: Alembic's table, for one.
        if relation.schema in pooled and relation.kind != "v" and (relation.has_tenant_id or is_reached):
            yield from _judge_pooled(residents, database, relation)


def _judge_pooled(residents: ServerTenants, database: str, relation: Relation) -> Iterator[Finding]:
    # A table's owner passes by its policies unless they are forced: then no tenant may be that owner.
    server, where = residents.server_id, f"{relation.schema}.{relation.name}"
    if not relation.row_security or (not relation.forced and residents.holder_of(relation.owner)):
        yield Finding(Hole.NO_ROW_SECURITY, Severity.CRITICAL, server, "", database, where)
    for index in relation.other_indexes:
        yield Finding(Hole.INDEX_ORDER, Severity.MEDIUM, server, "", database, f"{relation.schema}.{index}")
