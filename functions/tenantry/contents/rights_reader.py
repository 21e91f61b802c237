"""Reads the rights to all of a tenant's objects in one home."""

from dataclasses import replace
from typing import Any

from tenantry.database.logins import backup_logins, login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.rights import OWNER, PUBLIC, SELF, Entry, Rights, RoleNames, Thing
from tenantry.domain.tenant import TENANT_ROLES, Home, Isolation, TenantId, database_role

# The grantees whose rights to a database are compared. Logins are left out: closing and opening a home changes who may
# connect, and a copy's login and inspectors come and go.
_COMPARED = frozenset({PUBLIC, OWNER, "@editor", "@viewer"})
# Things of these kinds have no owner of their own to compare: the table or role that they belong to tells it.
_OWNERLESS = frozenset({"COLUMN", "DEFAULT", "POLICY"})


def read_rights(
    cursor: Any, tenant_id: TenantId, home: Home, *, narrow: bool = False, to_database: bool = True
) -> dict[Thing, Rights]:
    """Read the rights to every object in the home, within the caller's transaction.

    :param narrow: read the home's schema only, even if the whole database is the tenant's.
    :param to_database: also read the rights to the database itself, if it is the tenant's.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    roles = [*login_names(tenant_id), *(database_role(tenant_id, role) for role in TENANT_ROLES)]
    whole = home.isolation is Isolation.DATABASE and not narrow
    values = {"schema": None if whole else home.schema, "main": home.schema, "roles": roles}
    # With this search path, the query can't call a tenant's functions or operators.
    cursor.execute("SAVEPOINT tenantry_rights; SET LOCAL search_path = pg_catalog, pg_temp")
    cursor.execute(load_sql("contents/rights"), values)
    found = cursor.fetchall()
    cursor.execute("ROLLBACK TO SAVEPOINT tenantry_rights")
    names, rights, ours = RoleNames(tenant_id), {}, backup_logins(tenant_id)
    for kind, schema, own_names, arguments, owner, granted, revoked in found:
        if kind == "DATABASE" and not to_database:
            continue
        thing = _thing(names, home, kind, schema, own_names, arguments)
        # What the logins for backups are lent is nobody's to keep; policies that name them are the tenant's.
        kept = granted if kind == "POLICY" else [entry for entry in granted if entry[0] not in ours]
        has = Rights(names.word(owner) if owner else "", _entries(names, kept), _entries(names, revoked))
        rights[thing] = has if has.owner or kind in _OWNERLESS else _of_others(has, kind)
    return rights


def _thing(names: RoleNames, home: Home, kind: str, schema: str | None, own: list[str], arguments: list[str]) -> Thing:
    place = "" if schema == home.schema else schema
    own_names = (names.word(own[0]), *own[1:]) if kind == "DEFAULT" else tuple(own)
    return Thing(kind, place, own_names, tuple(arguments))


def _entries(names: RoleNames, found: list[list[Any]]) -> frozenset[Entry]:
    return frozenset(
        Entry(names.word(g), privilege, grantable, names.word(by)) for g, privilege, grantable, by in found
    )


def _of_others(rights: Rights, kind: str) -> Rights:
    """Leave out the owner's rights to a database or to an extension's object: in another home the owner is another."""

    def counts(entry: Entry) -> bool:
        return entry.grantee in _COMPARED if kind == "DATABASE" else entry.grantee != SELF

    granted, revoked = (frozenset(filter(counts, entries)) for entries in (rights.granted, rights.revoked))
    return replace(rights, granted=granted, revoked=revoked)
