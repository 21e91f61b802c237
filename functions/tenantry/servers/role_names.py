"""Checks whether the names of a tenant's roles and home on a server are free or the tenant's own.

A name proves nothing (see `database.marks`): an object with such a name but without our mark is left as it is.
"""

from contextlib import closing
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import MEMBERSHIP_OPTIONS_SINCE, AdminConnect, execute, known_roles, role_names
from tenantry.database.logins import backup_logins, login_names
from tenantry.database.marks import foreign_roles_named, mark_role, name_taken, tenant_marks
from tenantry.database.sql_files import load_sql
from tenantry.domain.tenant import Home, TenantId, owner_role, pool_groups
from tenantry.homes.copy_login import find_foreign_copy
from tenantry.homes.ownership import find_foreign_home


def all_roles(tenant_id: TenantId) -> list[str]:
    """Name a tenant's owner, editor, viewer and two logins, which each tenant has."""
    return [*role_names(tenant_id).values(), *login_names(tenant_id)]


def require_names(connect: AdminConnect, tenant_id: TenantId, home: Home | None, *, is_listed: bool = False) -> None:
    """Make sure that the names that a tenant needs on a server are free or the tenant's own; nothing is changed.

    :param home: where the tenant will live; None: only the names of roles are checked.
    :param is_listed: the registry lists the tenant as complete on that server, so its unmarked roles are its own.
    :raises Conflict: something that is not ours has one of the names (`name_taken`).
    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        marks = tenant_marks(cursor, tenant_id)
        foreign = _foreign_roles(cursor, tenant_id, marks, is_listed=is_listed)
        others = [*find_foreign_copy(cursor, tenant_id, marks), *_foreign_backup_logins(cursor, tenant_id, marks)]
        taken = [f"role {name}" for name in (*foreign, *others)]
        if home:
            is_own = owner_role(tenant_id) not in foreign
            taken += find_foreign_home(connect, cursor, tenant_id, home, owner_is_own=is_own)
    if taken:
        raise name_taken(*taken)


def claim_roles(cursor: Any, tenant_id: TenantId, marks: list[str], *, is_listed: bool) -> None:
    """Mark the roles of a tenant that were made before there were marks.

    :raises Conflict: one of them is not the tenant's (`name_taken`).
    :raises TenantryError: the server refused.
    """
    if foreign := _foreign_roles(cursor, tenant_id, marks, is_listed=is_listed):
        raise name_taken(*(f"role {name}" for name in foreign))
    for name in foreign_roles_named(cursor, all_roles(tenant_id), marks):
        mark_role(cursor, name, marks[0])


def own_roles(cursor: Any, tenant_id: TenantId) -> list[str]:
    """List those roles with a tenant's names that are the tenant's own. :raises TenantryError: the server refused."""
    marks = tenant_marks(cursor, tenant_id)
    foreign = _foreign_roles(cursor, tenant_id, marks, is_listed=False)
    foreign += _foreign_backup_logins(cursor, tenant_id, marks)
    names = [*all_roles(tenant_id), *backup_logins(tenant_id)]
    there = known_roles(cursor, names)
    return [name for name in names if name in there and name not in foreign]


def revoke_foreign_memberships(cursor: Any, tenant_id: TenantId, marks: list[str]) -> None:
    """Revoke memberships that others granted: the tenant's roles in any role, and other tenants' in the tenant's.

    :raises TenantryError: the server refused.
    """
    names = _literals(tenant_id) | {
        "roles": sql.Literal(all_roles(tenant_id)),
        "pool": sql.Literal(list(set(pool_groups(tenant_id).values()))),
        "marks": sql.Literal(marks),
    }
    execute(cursor, load_sql("servers/foreign_memberships").format(**names))
    for member, role, grantor in cursor.fetchall():
        revoke = sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(role), sql.Identifier(member))
        if cursor.connection.server_version >= MEMBERSHIP_OPTIONS_SINCE:
            # A membership may have several grantors; each grant is revoked on its own.
            revoke += sql.SQL(" GRANTED BY {} CASCADE").format(sql.Identifier(grantor))
        execute(cursor, revoke)


def _foreign_roles(cursor: Any, tenant_id: TenantId, marks: list[str], *, is_listed: bool) -> list[str]:
    """List the roles of these names that are not the tenant's."""
    unmarked = foreign_roles_named(cursor, all_roles(tenant_id), marks)
    if unmarked and (is_listed or _has_old_marks(cursor, tenant_id)):
        # Unmarked roles are the tenant's here; one with the mark of another tenant or stage belongs to that.
        return _marked_for_others(cursor, unmarked)
    return unmarked


def _foreign_backup_logins(cursor: Any, tenant_id: TenantId, marks: list[str]) -> list[str]:
    """List the roles with the names of the logins for backups that are not the tenant's: those were always marked."""
    return foreign_roles_named(cursor, backup_logins(tenant_id), marks)


def _has_old_marks(cursor: Any, tenant_id: TenantId) -> bool:
    execute(cursor, load_sql("servers/old_marks").format(**_literals(tenant_id)))
    return bool(cursor.fetchone()[0])


def _marked_for_others(cursor: Any, names: list[str]) -> list[str]:
    query = (
        "SELECT rolname::text FROM pg_roles"
        " WHERE rolname = ANY(%s) AND starts_with(shobj_description(oid, 'pg_authid'), 'tenantry ') ORDER BY 1"
    )
    execute(cursor, query, (names,))
    return [name for (name,) in cursor.fetchall()]


def _literals(tenant_id: TenantId) -> dict[str, sql.Composable]:
    return {
        "setting": sql.Literal(f"tenantry.tenant_id={tenant_id}"),
        "owner": sql.Literal(owner_role(tenant_id)),
        "logins": sql.Literal(list(login_names(tenant_id))),
        "groups": sql.Literal(list(role_names(tenant_id).values())),
    }
