"""What everything that administers a server shares: how statements are sent, and the names of a tenant's roles."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql

from tenantry.database.logins import login_names
from tenantry.database.patience import (
    ending_beside,
    ending_in,
    is_whole,
    limit_locks,
    patience_of,
    patiently,
)
from tenantry.database.sql_errors import translate
from tenantry.domain.tenant import Role, TenantId, database_role

# Opens a connection in autocommit mode to the database of that name, as the server's administrator.
type AdminConnect = Callable[[str], Any]

MEMBERSHIP_OPTIONS_SINCE = 160000


def execute(cursor: Any, statement: Any, values: tuple[Any, ...] | dict[str, Any] | None = None) -> None:
    """Send a statement; one that is a transaction of its own is patient with others' locks.

    :raises Conflict: others held a lock that it needs all the time (`database_busy`).
    :raises TenantryError: the server refused it, or has gone.
    """
    connection = cursor.connection
    if is_whole(connection):
        patiently(lambda: _send(cursor, statement, values), patience_of(connection), ending_beside(connection))
    else:
        _send(cursor, statement, values)


def _send(cursor: Any, statement: Any, values: tuple[Any, ...] | dict[str, Any] | None) -> None:
    try:
        limit_locks(cursor)
        cursor.execute(statement, values)
    except psycopg2.Error as exc:
        raise translate(exc) from exc


def run(connect: AdminConnect, database: str, *statements: sql.Composable) -> None:
    """Send statements to a database, over a connection of their own. :raises TenantryError: as above."""
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        for statement in statements:
            execute(cursor, statement)


@contextmanager
def transaction(connect: AdminConnect, database: str) -> Iterator[Any]:
    """Give a cursor whose statements take effect together when the block ends well, and else not at all.

    Its session ends with it, which is what rolls back: a session that is lost can't be told to.

    :raises TenantryError: as above; of a commit that got no answer nobody knows whether it took effect.
    """
    with closing(connect(database)) as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            yield cursor
        try:
            connection.commit()
        except psycopg2.Error as exc:
            raise translate(exc) from exc


def in_transaction[T](connect: AdminConnect, database: str, work: Callable[[Any], T], *, shared: bool = False) -> T:
    """Do `work`, which gets a cursor, in one transaction that is patient with others' locks: it may be done again.

    :param shared: tenants share the database: those who are in the way for long are ended.
    :raises Conflict: others held a lock that it needs all the time (`database_busy`); nothing was changed.
    :raises TenantryError: as above.
    """

    def attempt() -> T:
        with transaction(connect, database) as cursor:
            return work(cursor)

    return patiently(attempt, patience_of(connect), ending_in(connect, database) if shared else None)


def role_names(tenant_id: TenantId) -> dict[str, str]:
    """Name a tenant's owner, editor and viewer, under these words."""
    kinds = {"owner": Role.ADMIN, "editor": Role.EDITOR, "viewer": Role.VIEWER}
    return {kind: database_role(tenant_id, role) for kind, role in kinds.items()}


def role_identifiers(tenant_id: TenantId) -> dict[str, sql.Composable]:
    """Quote a tenant's owner, editor and viewer, under these words, and its logins as a list, under `login`."""
    quoted: dict[str, sql.Composable] = {kind: sql.Identifier(name) for kind, name in role_names(tenant_id).items()}
    return quoted | {"login": name_list(login_names(tenant_id))}


def name_list(names: Iterable[str]) -> sql.Composable:
    """Quote names as a list with commas."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def known_roles(cursor: Any, names: Iterable[str]) -> list[str]:
    """Tell which of these roles are there: a tenant that was never complete may lack some.

    :raises TenantryError: as above.
    """
    execute(cursor, "SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s) ORDER BY rolname", (list(names),))
    return [name for (name,) in cursor.fetchall()]


def join_roles(cursor: Any, names: Iterable[str]) -> None:
    """Give an administrator who is no superuser the rights of roles that it made, and let it become them.

    Without them it may neither give them a database, nor end their sessions.

    :raises TenantryError: as above; it has not made them.
    """
    # PostgreSQL 15 has no option SET: there a member may become what it is a member of.
    has_options = cursor.connection.server_version >= MEMBERSHIP_OPTIONS_SINCE
    may_become = "SET" if has_options else "MEMBER"
    query = "SELECT name FROM unnest(%s) name WHERE NOT (pg_has_role(name, 'USAGE') AND pg_has_role(name, %s))"
    execute(cursor, query, (list(names), may_become))
    missing = [name for (name,) in cursor.fetchall()]
    if missing:
        execute(cursor, joining(missing, has_options=has_options))


def joining(names: Iterable[str], *, has_options: bool) -> sql.Composable:
    """Write the statement that gives the administrator these roles' rights, and lets it become them.

    :param has_options: whether the server knows options of a membership, as it does since `MEMBERSHIP_OPTIONS_SINCE`.
    """
    options = " WITH INHERIT TRUE, SET TRUE" if has_options else ""
    return sql.SQL("GRANT {} TO CURRENT_USER").format(name_list(names)) + sql.SQL(options)
