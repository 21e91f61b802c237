"""What walls between tenants there are on a server and in its databases, as its administrator reads them."""

from dataclasses import dataclass
from typing import NamedTuple


class AuditedRole(NamedTuple):
    """A role of a server; a limit of -1 is none."""

    name: str
    may_log_in: bool
    connection_limit: int
    attributes: list[str]
    # Whether it has our mark.
    is_marked: bool = False


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


class SecretSettings(NamedTuple):
    """Settings of a database or a role that look like secrets ('' is any): how many, and some of their names."""

    database: str
    role: str
    number: int
    names: list[str]


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
    # Whether somebody else than its owner has a right on it.
    is_granted: bool
    # Whether there are more than are looked at; it is the last one.
    is_beyond: bool = False


class Grant(NamedTuple):
    """That somebody else than the owner ('' is PUBLIC) has a right on an object; no schema: on every one.

    `number` is how many of this `kind` the same role has in the same schema: of many there are some.
    """

    object: str
    schema: str
    grantee: str
    kind: int
    number: int
    # Whether there are more kinds than are looked at; it is the last one.
    is_beyond: bool = False


class OtherPolicy(NamedTuple):
    """That a table has a policy, besides those that we make, which lets some of these roles ('' is PUBLIC) see more."""

    schema: str
    table: str
    roles: list[str]


@dataclass(frozen=True, slots=True)
class ServerWalls:
    """What walls between tenants there are on a server."""

    roles: list[AuditedRole]
    memberships: list[Membership]
    databases: list[OpenDatabase]
    secrets: list[SecretSettings]


@dataclass(frozen=True, slots=True)
class DatabaseContent:
    """What walls there are in one database, as far as anybody looks: a tenant may have made any number of things."""

    relations: list[Relation]
    grants: list[Grant]
    superuser_functions: list[str]
    policies: list[OtherPolicy]

    @property
    def overfull(self) -> list[tuple[str, str]]:
        """List schemas of which not everything was looked at, each with a code for what there is too much."""
        tables = {(relation.schema, "too_many_tables") for relation in self.relations if relation.is_beyond}
        return sorted(tables | {(grant.schema, "too_many_grants") for grant in self.grants if grant.is_beyond})


# What can be tried where the administrator is not let in: the databases that every server has.
UNSEEN = ServerWalls([], [], [OpenDatabase(name, [], None) for name in ("postgres", "template1")], [])
UNREAD = DatabaseContent([], [], [], [])
