"""A login for the time of one copy, with which a home is filled while the tenant's own are kept out of it.

A dump is not trusted: what is in it runs as a role that may become the tenant's own roles and nothing else.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

from psycopg2 import sql

from tenantry.database.admin_sql import (
    MEMBERSHIP_OPTIONS_SINCE,
    AdminConnect,
    execute,
    join_roles,
    joining,
    known_roles,
    name_list,
    run,
)
from tenantry.database.marks import NO_ATTRIBUTES, create_marked_role, marks_of, name_taken, tenant_marks
from tenantry.database.scram import quick_verifier
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import StatementFailed, TenantryError
from tenantry.domain.passwords import new_password
from tenantry.domain.tenant import TENANT_ROLES, TenantId, database_role, owner_role
from tenantry.homes.sessions import end_sessions_beside

_SUFFIX = "_copy"
# Something depends on the role.
_IN_USE = "2BP01"


class CopyLogin(NamedTuple):
    """Who fills a home, as long as it is filled."""

    username: str
    password: str


def copy_login_name(tenant_id: TenantId) -> str:
    """Name the login of a copy; there is one at a time."""
    return f"{tenant_id.value}{_SUFFIX}"


def copies_for(role: str) -> TenantId | None:
    """Say whose home a role of this name fills; None where it is not the login of a copy."""
    return TenantId(role.removesuffix(_SUFFIX)) if role.endswith(_SUFFIX) else None


@contextmanager
def copy_login(
    connect: AdminConnect, tenant_id: TenantId, *databases: str, must_go: bool = False
) -> Iterator[CopyLogin]:
    """Make the login, and drop it afterwards with its sessions. One that a dead worker left is replaced.

    :param connect: as the administrator of the server.
    :param databases: those that it may connect to.
    :param must_go: that it can't be dropped is an error, too, where all went well.
    :raises Conflict: a role of that name is not ours (`name_taken`).
    :raises TenantryError: the server refused.
    """
    made = CopyLogin(copy_login_name(tenant_id), new_password())
    _make(connect, tenant_id, databases, made)
    went_well = False
    try:
        yield made
        went_well = True
    finally:
        # What the copy failed of matters more; the next one, or the end of the operation, drops it then.
        with suppress(*(() if must_go and went_well else (TenantryError,))):
            drop_copy_login(connect, tenant_id, *databases)


def drop_copy_login(connect: AdminConnect, tenant_id: TenantId, *databases: str) -> None:
    """Drop the login, with its sessions; one that is not there is dropped already.

    :raises Conflict: a role of that name is not ours (`name_taken`); it is left as it is.
    :raises TenantryError: the server refused.
    """
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        _drop(connect, cursor, tenant_id, databases)


def _drop(connect: AdminConnect, cursor: Any, tenant_id: TenantId, databases: tuple[str, ...]) -> None:
    name = copy_login_name(tenant_id)
    names = {"login": sql.Identifier(name)}
    if find_foreign_copy(cursor, tenant_id, tenant_marks(cursor, tenant_id)):
        raise name_taken(f"role {name}")
    # Also where a worker that died before had let it in.
    execute(cursor, load_sql("homes/copy_login_databases"), (name, list(databases)))
    if (found := cursor.fetchone()) is None:
        return
    join_roles(cursor, [name])
    # No new session, then the end of those that are there.
    execute(cursor, sql.SQL("ALTER ROLE {login} NOLOGIN").format(**names))
    for database in found[0]:
        revoke = sql.SQL("REVOKE ALL ON DATABASE {database} FROM {login}")
        change = revoke.format(database=sql.Identifier(database), **names)
        execute(cursor, load_sql("homes/lock_database_rights") + change)
        end_sessions_beside(cursor, database, (name,))
    drop = sql.SQL("DROP ROLE {login}").format(**names)
    try:
        execute(cursor, drop)
    except StatementFailed as exc:
        if exc.code != _IN_USE:
            raise
        _untie(connect, cursor, tenant_id, name)
        execute(cursor, drop)


def _untie(connect: AdminConnect, cursor: Any, tenant_id: TenantId, name: str) -> None:
    """Take from the login what code of the tenant's has given it meanwhile: rights, also later ones, and policies."""
    names = {"login": sql.Identifier(name), "owner": sql.Identifier(owner_role(tenant_id))}
    statements = [sql.SQL("DROP OWNED BY {login}")]
    if known_roles(cursor, [owner_role(tenant_id)]):
        join_roles(cursor, [owner_role(tenant_id)])
        # What it has made is kept.
        statements.insert(0, sql.SQL("REASSIGN OWNED BY {login} TO {owner}"))
    execute(cursor, load_sql("homes/databases_with_role"), (name,))
    for (database,) in cursor.fetchall():
        run(connect, database, *(statement.format(**names) for statement in statements))


def find_foreign_copy(cursor: Any, tenant_id: TenantId, marks: list[str]) -> list[str]:
    """Name the role that has the login's name and is not ours, if there is one.

    One that was made before there were marks is a member of the tenant's owner, and its password ends.

    :raises TenantryError: the server refused.
    """
    names = (copy_login_name(tenant_id), marks, owner_role(tenant_id))
    execute(cursor, load_sql("homes/foreign_copy_login"), names)
    return [name for (name,) in cursor.fetchall()]


class _Facts(NamedTuple):
    """What is known of a server before a login is made there."""

    stage: str | None
    is_there: bool
    roles: list[str]
    is_superuser: bool
    until: str


def _make(connect: AdminConnect, tenant_id: TenantId, databases: tuple[str, ...], login: CopyLogin) -> None:
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        names = (login.username, [database_role(tenant_id, role) for role in TENANT_ROLES])
        execute(cursor, load_sql("homes/copy_login_facts"), names)
        facts = _Facts(*cursor.fetchone())
        if facts.is_there:
            _drop(connect, cursor, tenant_id, databases)
        rights = _rights(facts, databases, login, has_options=connection.server_version >= MEMBERSHIP_OPTIONS_SINCE)
        mark = marks_of(tenant_id, facts.stage)[0]
        create_marked_role(cursor, login.username, f"LOGIN {NO_ATTRIBUTES}", mark, rights)


def _rights(facts: _Facts, databases: tuple[str, ...], login: CopyLogin, *, has_options: bool) -> sql.Composable:
    """Write what gives the login its rights and, to an administrator who is no superuser, those of the login."""
    name = sql.Identifier(login.username)
    statements = load_sql("homes/make_copy_login").format(
        login=name,
        # What the tenant's other roles own is theirs again before it is compared.
        roles=name_list(facts.roles),
        databases=name_list(databases),
        verifier=sql.Literal(quick_verifier(login.password)),
        until=sql.Literal(facts.until),
        options=sql.SQL(" WITH INHERIT FALSE, SET TRUE" if has_options else ""),
    )
    joined = sql.SQL("") if facts.is_superuser else joining([login.username], has_options=has_options) + sql.SQL("; ")
    return load_sql("homes/lock_database_rights") + joined + statements
