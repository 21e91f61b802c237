"""Looks for holes in walls as they were read. Knows no server: facts in, findings out."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from tenantry.domain.tenant import Isolation, TenantId, owner_role, pool_groups
from tenantry.reports.isolation.findings import Finding, Hole, Severity
from tenantry.reports.isolation.residents import ServerTenants
from tenantry.reports.isolation.walls import (
    AuditedRole,
    DatabaseContent,
    Grant,
    Membership,
    OpenDatabase,
    Relation,
    SecretSettings,
    ServerWalls,
)

_ATTRIBUTES = {"SUPERUSER": Severity.CRITICAL, "BYPASSRLS": Severity.CRITICAL, "INHERIT": Severity.MEDIUM}

# What the login has as which a tenant is dumped; see `servers.dump_logins`.
_OF_BACKUPS = frozenset({"BYPASSRLS", "INHERIT"})
_READ_ALL = "pg_read_all_data"


def judge(residents: ServerTenants, facts: ServerWalls, contents: dict[str, DatabaseContent]) -> Iterator[Finding]:
    """Look for holes in what a server's roles and databases are set to, and in what is in its tenants' databases."""
    dumpers = {role.name: _for_backups(residents, role) for role in facts.roles}
    for role in facts.roles:
        yield from _judge_role(residents, role, of_backups=bool(dumpers[role.name]))
    for membership in facts.memberships:
        if membership.role not in dumpers.get(membership.member, ()):
            yield from _judge_membership(residents, membership)
    for database in facts.databases:
        yield from _judge_database(residents, database)
    for secrets in facts.secrets:
        yield from _judge_secrets(residents, secrets)
    for name, content in contents.items():
        yield from _judge_content(residents, name, content)


def _for_backups(residents: ServerTenants, role: AuditedRole) -> tuple[str, ...]:
    """Name the roles whose rights the login has as which a tenant is dumped; none, if the role is none.

    It reads everything in a database of the tenant's own. In one that others share it reads what the owner may, past
    policies; where rows of shared tables are told apart by policies alone, there is no such login.
    """
    holder = residents.holder_of(role.name)
    if not (holder and role.is_marked) or role.name != f"{holder}_dump" or not residents.has_tables(holder):
        return ()
    owner = owner_role(TenantId(holder))
    return (_READ_ALL, owner) if residents.may_be_dumped_whole(holder) else (owner,)


def _judge_role(residents: ServerTenants, role: AuditedRole, *, of_backups: bool) -> Iterator[Finding]:
    holder = residents.holder_of(role.name)
    for attribute in role.attributes if holder else ():
        if of_backups and attribute in _OF_BACKUPS:
            continue
        # So a pooled tenant has the rights of a group in PostgreSQL 15; a group of another's is found below.
        if attribute == "INHERIT" and not role.may_log_in and residents.shares_tables(holder):
            continue
        # An application goes on as it was.
        if attribute == "INHERIT" and residents.application_of(role.name):
            continue
        severity = _ATTRIBUTES.get(attribute, Severity.HIGH)
        where = f"{role.name} {attribute}"
        yield Finding(Hole.ROLE_ATTRIBUTE, severity, residents.server_id, holder, where=where)


def _judge_membership(residents: ServerTenants, membership: Membership) -> Iterator[Finding]:
    server, where = residents.server_id, f"{membership.member} in {membership.role}"
    member, holder = residents.holder_of(membership.member), residents.holder_of(membership.role)
    if (
        member
        and residents.shares_tables(member)
        and pool_groups(TenantId(member)).get(membership.member) == membership.role
    ):
        return
    # So the application of an adopted database goes on with what became its tenant's.
    is_application = bool(member) and residents.application_of(membership.member) == member
    if is_application and membership.role == owner_role(TenantId(member)):
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


def _judge_secrets(residents: ServerTenants, secrets: SecretSettings) -> Iterator[Finding]:
    """Tell whose settings every neighbour reads that look like secrets."""
    owner = residents.holder_of(secrets.role) or residents.owner_of(secrets.database)
    if all(resident.name == owner for resident in residents.all):
        return
    place = " in ".join(name for name in (secrets.role, secrets.database) if name)
    # The place belongs to `where`: a role may be set to something in every database, and that is folded into one.
    names = tuple(f"{place}: {name}" for name in secrets.names)
    found = Finding(Hole.READABLE_SETTING, Severity.MEDIUM, residents.server_id, owner, where=names[0])
    yield found if secrets.number == 1 else replace(found, number=secrets.number, examples=names)


def _judge_content(residents: ServerTenants, database: str, content: DatabaseContent) -> Iterator[Finding]:
    server, owner = residents.server_id, residents.owner_of(database)
    schemas = residents.schemas_in(database)
    for _, alike in groupby(content.grants, key=lambda grant: (grant.schema, grant.grantee, grant.kind)):
        yield from _judge_grants(residents, database, owner, schemas, list(alike))
    for function in content.superuser_functions:
        yield Finding(Hole.SUPERUSER_FUNCTION, Severity.HIGH, server, owner, database, function)
    pooled = {
        resident.credentials.schema
        for resident in residents.of(database)
        if resident.tenant.isolation is Isolation.POOLED
    }
    for relation in content.relations:
        is_reached = bool(residents.holder_of(relation.owner)) or relation.is_granted
        # What only its owner reaches, who is nobody's tenant, holds nobody's rows: Alembic's table, for one.
        if relation.schema in pooled and relation.kind != "v" and (relation.has_tenant_id or is_reached):
            yield from _judge_pooled(residents, database, relation)


def _judge_grants(
    residents: ServerTenants, database: str, owner: str, schemas: dict[str, set[str]], alike: list[Grant]
) -> Iterator[Finding]:
    """Judge what one role may do with one kind of thing in one schema: one finding, where there are many."""
    if not alike[0].grantee and residents.was_adopted(owner):
        alike = [grant for grant in alike if grant.object != "schema public"]
        if not alike:
            return
    first, server = alike[0], residents.server_id
    holder = residents.holder_of(first.grantee)
    if not first.grantee:
        found = Finding(Hole.PUBLIC_GRANT, Severity.HIGH, server, owner, database)
    elif holder and holder != owner and first.schema not in {"", *schemas.get(holder, ())}:
        found = Finding(Hole.FOREIGN_GRANT, Severity.CRITICAL, server, holder, owner or database)
    else:
        return
    objects = tuple(grant.object for grant in alike)
    if first.number > len(alike):
        yield replace(found, where=objects[0], number=first.number, examples=objects)
    else:
        yield from (replace(found, where=name) for name in objects)


def _judge_pooled(residents: ServerTenants, database: str, relation: Relation) -> Iterator[Finding]:
    # A table's owner passes by its policies unless they are forced: then no tenant may be that owner.
    server, where = residents.server_id, f"{relation.schema}.{relation.name}"
    if not relation.row_security or (not relation.forced and residents.holder_of(relation.owner)):
        yield Finding(Hole.NO_ROW_SECURITY, Severity.CRITICAL, server, "", database, where)
    for index in relation.other_indexes:
        yield Finding(Hole.INDEX_ORDER, Severity.MEDIUM, server, "", database, f"{relation.schema}.{index}")
