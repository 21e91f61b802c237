"""One server as the audit sees it: who lives there, and what its administrator reads of its walls."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from tenantry.domain.server import Server
from tenantry.reports.isolation.probe import ServerAudit
from tenantry.reports.isolation.residents import LocatedTenant, ServerTenants
from tenantry.reports.isolation.walls import UNREAD, UNSEEN, DatabaseContent, Relation, ServerWalls


@dataclass(frozen=True)
class Ground:
    """A server. What each tenant looks up here is made ready once: there are as many tenants as lookups."""

    residents: ServerTenants
    server: Server | None
    facts: ServerWalls = UNSEEN
    contents: dict[str, DatabaseContent] = field(default_factory=dict)
    # What the administrator can be asked; None: the server could not be read.
    audit: ServerAudit | None = None
    # Tenants that took a neighbour's time until it was up: nobody else tries them.
    slow: set[str] = field(default_factory=set)

    @property
    def server_id(self) -> str:
        """The server's id."""
        return self.residents.server_id

    @cached_property
    def databases(self) -> list[str]:
        """Every database that can be tried."""
        taken = {resident.credentials.dbname for resident in self.residents.all}
        return sorted(taken | {database.name for database in self.facts.databases})

    def is_own(self, database: str, tenant: str) -> bool:
        """Whether a database is what a move or a restore left aside of the tenant's own: nobody lives in it."""
        return self._identities.get(database) == tenant and not self.residents.of(database)

    @cached_property
    def role_names(self) -> list[str]:
        """All roles of the server."""
        return [role.name for role in self.facts.roles]

    def roles_of(self, tenant: str) -> list[str]:
        """Name the roles of a tenant's that nobody logs in as."""
        return self._roles.get(tenant, [])

    def knows(self, login: str) -> bool:
        """Whether somebody may log in by that name, as far as is known."""
        return self.audit is None or login in self._logins

    def neighbours_in(self, database: str, schemas: set[str]) -> set[str]:
        """Name the tenants that live in one of these schemas of a database."""
        return {name for schema in schemas for name in self._by_schema.get((database, schema), ())}

    def tables_of(self, database: str, schema: str) -> list[Relation]:
        """List what was seen of a schema's tables and views."""
        return self._tables.get((database, schema), [])

    def loose_tables(self, database: str, schema: str) -> set[tuple[str, str]]:
        """List a schema's shared tables that something else than our policies alone keeps apart, or nothing."""
        content, holder = self.contents.get(database, UNREAD), self.residents.holder_of
        # A policy for nobody but the administrator lets no tenant see more.
        loose = {
            (policy.schema, policy.table)
            for policy in content.policies
            if policy.schema == schema and any(not role or holder(role) for role in policy.roles)
        }
        bare = {(one.schema, one.name) for one in self.tables_of(database, schema) if not one.row_security}
        return loose | bare

    def neighbour(self, name: str) -> LocatedTenant:
        """Return the tenant of that name, who lives here."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, LocatedTenant]:
        return {resident.name: resident for resident in self.residents.all}

    @cached_property
    def _by_schema(self) -> dict[tuple[str, str], list[str]]:
        found = defaultdict[tuple[str, str], list[str]](list)
        for resident in self.residents.all:
            found[resident.credentials.dbname, resident.credentials.schema].append(resident.name)
        return found

    @cached_property
    def _tables(self) -> dict[tuple[str, str], list[Relation]]:
        found = defaultdict[tuple[str, str], list[Relation]](list)
        for database, content in self.contents.items():
            for table in content.relations:
                found[database, table.schema].append(table)
        return found

    @cached_property
    def _identities(self) -> dict[str, str | None]:
        return {database.name: database.identity for database in self.facts.databases}

    @cached_property
    def _roles(self) -> dict[str, list[str]]:
        found = defaultdict[str, list[str]](list)
        for role in self.facts.roles:
            if not role.may_log_in:
                found[self.residents.holder_of(role.name)].append(role.name)
        return found

    @cached_property
    def _logins(self) -> set[str]:
        return {role.name for role in self.facts.roles if role.may_log_in}
