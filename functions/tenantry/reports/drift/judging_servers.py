"""Compares a server's content with the tenants that the registry places there, in both directions."""

from collections.abc import Collection, Iterator

from tenantry.domain.restore import detached_owner
from tenantry.domain.tenant import POOL_DATABASE, SCHEMAS_DATABASE, Home, Isolation, Tenant
from tenantry.reports.drift.findings import Drift, DriftFinding
from tenantry.reports.drift.fleet import (
    COPY_KIND,
    LOGIN_KINDS,
    DatabaseOnServer,
    Fleet,
    ServerContent,
    expected_home,
    homes_of,
    is_tenant_id,
    role_holder,
    role_names,
)


def judge_server(
    fleet: Fleet, server_id: str, content: ServerContent, twins: Collection[str] = ()
) -> Iterator[DriftFinding]:
    """Compare one server with the registry.

    :param twins: other ids that lead to the same running server: their tenants live here too.
    """
    here = _Here(fleet, server_id, content, twins)
    yield from here.missing()
    for database in content.databases:
        yield from here.judge_database(database)
    for schema in content.schemas:
        yield from here.judge_schema(schema)
    for role in content.roles:
        yield from here.judge_role(role.name)
    yield from here.fences()


class _Here:
    """One server: its tenants according to the registry, and its actual content."""

    def __init__(self, fleet: Fleet, server_id: str, content: ServerContent, twins: Collection[str]) -> None:
        self._fleet = fleet
        self._server_id = server_id
        self._ids = {server_id, *twins}
        self._content = content
        self._databases = {database.name for database in content.databases}
        self._limits = {role.name: role.connection_limit for role in content.roles}
        homes = [(tenant, expected_home(tenant)) for tenant in fleet.tenants.values()]
        self._residents = {
            home.database: tenant
            for tenant, home in homes
            if home.server_id in self._ids and home.isolation is Isolation.DATABASE
        }

    def missing(self) -> Iterator[DriftFinding]:
        """Find homes, roles and limits that are missing or differ from the registry."""
        for tenant in self._fleet.settled:
            home = expected_home(tenant)
            if home.server_id == self._server_id and not tenant.relocation:
                yield from self._missing_home(tenant, home)
                yield from self._missing_roles(tenant)

    def _missing_home(self, tenant: Tenant, home: Home) -> Iterator[DriftFinding]:
        if home.database not in self._databases:
            yield self._found(Drift.DATABASE_MISSING, tenant, home.database)
        elif home.isolation is Isolation.SCHEMA and home.schema not in self._content.schemas:
            yield self._found(Drift.SCHEMA_MISSING, tenant, home.schema)

    def _missing_roles(self, tenant: Tenant) -> Iterator[DriftFinding]:
        for role in role_names(tenant.tenant_id):
            if role not in self._limits:
                yield self._found(Drift.ROLE_MISSING, tenant, role)
        for login in (f"{tenant.tenant_id}_{kind}" for kind in LOGIN_KINDS):
            if self._limits.get(login, tenant.limits.connections) != tenant.limits.connections:
                yield self._found(Drift.LOGIN_LIMIT, tenant, f"{login}: {self._limits[login]}")

    def judge_database(self, database: DatabaseOnServer) -> Iterator[DriftFinding]:
        """Compare a database; its tenant is found by its settings, by its owner, or by its name."""
        if database.name in (SCHEMAS_DATABASE, POOL_DATABASE):
            return
        lives_there = self._residents.get(database.name)
        if lives_there:
            if database.identity != lives_there.tenant_id.value:
                yield self._found(Drift.DATABASE_IDENTITY, lives_there, f"{database.name}: {database.identity or ''}")
            if database.is_template:
                yield self._found(Drift.DATABASE_TEMPLATE, lives_there, database.name)
            return
        name = database.identity or role_holder(database.owner)
        if not name:
            return
        tenant = self._fleet.tenants.get(name)
        if tenant is None:
            known = name if is_tenant_id(name) else ""
            yield DriftFinding(Drift.DATABASE_UNKNOWN, known, self._server_id, database.name)
        elif not self._may_lie_here(tenant, Isolation.DATABASE, database.name):
            yield self._found(Drift.DATABASE_LEFT, tenant, database.name)

    def judge_schema(self, schema: str) -> Iterator[DriftFinding]:
        """Compare a schema of the shared database; its name starts with the tenant's id."""
        # Ids contain no `_`: the text after the first one is what a restore has added to the name.
        name = schema.partition("_")[0]
        tenant = self._fleet.tenants.get(name)
        if tenant is None:
            known = name if is_tenant_id(name) else ""
            yield DriftFinding(Drift.SCHEMA_UNKNOWN, known, self._server_id, schema)
        elif not self._may_lie_here(tenant, Isolation.SCHEMA, SCHEMAS_DATABASE) or not _is_of_use(tenant, schema):
            yield self._found(Drift.SCHEMA_LEFT, tenant, schema)

    def judge_role(self, role: str) -> Iterator[DriftFinding]:
        """Compare a role; its tenant is found by its name."""
        holder = role_holder(role)
        if not holder:
            return
        tenant = self._fleet.tenants.get(holder)
        if tenant is None:
            yield DriftFinding(Drift.ROLE_UNKNOWN, holder, self._server_id, role)
        elif not tenant.relocation and (
            role.endswith(f"_{COPY_KIND}") or not any(home.server_id in self._ids for home in _places_of(tenant))
        ):
            yield self._found(Drift.ROLE_LEFT, tenant, role)

    def fences(self) -> Iterator[DriftFinding]:
        """Find tenants that are fenced although no operation holds them."""
        for setting in self._content.read_only:
            holder = role_holder(setting.role)
            tenant = self._fleet.tenants.get(holder) if holder else self._residents.get(setting.database)
            if tenant is None or tenant.relocation:
                continue
            home = expected_home(tenant)
            if home.server_id == self._server_id and setting.database in ("", home.database):
                where = " in ".join(name for name in (setting.role, setting.database) if name)
                yield self._found(Drift.FENCE_LEFT, tenant, where)

    def _may_lie_here(self, tenant: Tenant, isolation: Isolation, database: str) -> bool:
        """Tell whether the place is a home of the tenant, present or former, or belongs to an unfinished move."""

        def is_here(home: Home) -> bool:
            return home.server_id in self._ids and (home.isolation, home.database) == (isolation, database)

        return bool(tenant.relocation) or any(map(is_here, homes_of(tenant)))

    def _found(self, kind: Drift, tenant: Tenant, where: str) -> DriftFinding:
        return DriftFinding(kind, tenant.tenant_id.value, self._server_id, where)


def _places_of(tenant: Tenant) -> list[Home]:
    """List where a tenant may have roles: an erasure takes those along that it has left behind."""
    return [*homes_of(tenant), *(left.home for left in tenant.left_behind)]


def _is_of_use(tenant: Tenant, schema: str) -> bool:
    """Tell whether a schema is a home of the tenant, present or former, or holds its restored single tables."""
    homes = {home.schema for home in homes_of(tenant)}
    return bool(tenant.relocation) or schema in homes or detached_owner(schema) == tenant.tenant_id.value
