"""What ties a tenant to the very database that it lives in: no copy has it, and the database can't be dropped with it.

A prepared transaction holds rows and locks that nobody sees, a subscription and a replication slot are the end of a
stream from or to another server. So whatever copies, swaps or drops a home is refused while there are any; an erasure
drops them.
"""

from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, Final, NamedTuple

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, join_roles, role_names
from tenantry.database.logins import login_names
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, StatementFailed
from tenantry.domain.tenant import Home, Isolation, TenantId

PREPARED: Final = "prepared transaction"
SUBSCRIPTION: Final = "subscription"
SLOT: Final = "replication slot"
_NAMED = 10
_ATTEMPTS = 5


class Tie(NamedTuple):
    """One of them: its kind, its name, the role that it belongs to, and the process that reads a slot now."""

    kind: str
    name: str
    owner: str | None
    process: int | None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def find_ties(connect: AdminConnect, tenant_id: TenantId, home: Home) -> list[Tie]:
    """List what ties a tenant to a home's database. :raises TenantryError: the server refused."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        return _find(cursor, tenant_id, home)


def require_untied(connect: AdminConnect, tenant_id: TenantId, home: Home, *kinds: str) -> None:
    """Make sure that a home can be copied, swapped and dropped.

    :param kinds: the kinds that are in the way; none: all.
    :raises Conflict: something is tied to its database (`tied_to_database`); `details` name it.
    :raises TenantryError: the server refused.
    """
    ties = [tie for tie in find_ties(connect, tenant_id, home) if not kinds or tie.kind in kinds]
    if ties:
        raise Conflict(
            "Something is tied to the tenant's database, which no copy has and which keeps it from being dropped.",
            code="tied_to_database",
            details=", ".join(map(str, ties[:_NAMED])),
            hint="In that database COMMIT PREPARED or ROLLBACK PREPARED what is prepared, DROP SUBSCRIPTION, and "
            "pg_drop_replication_slot; then repeat the call.",
        )


def untie(connect: AdminConnect, tenant_id: TenantId, home: Home) -> None:
    """Drop what ties a tenant to a home that is to be erased. What it had prepared is rolled back.

    :raises TenantryError: the server refused; what remains keeps the database from being dropped.
    """
    for left in reversed(range(_ATTEMPTS)):
        with closing(connect("postgres")) as connection, connection.cursor() as cursor:
            ties = _find(cursor, tenant_id, home)
            if not ties:
                return
            for tie in ties:
                # What may pass by itself is borne as long as there are attempts left.
                with suppress(*([StatementFailed] if left else [])):
                    if tie.kind == SLOT:
                        _drop_slot(cursor, tie)
                    else:
                        _end(connect, home.database, tie)


def _find(cursor: Any, tenant_id: TenantId, home: Home) -> list[Tie]:
    roles = [*login_names(tenant_id), *role_names(tenant_id).values()]
    own = home.isolation is Isolation.DATABASE
    execute(cursor, load_sql("homes/ties"), {"database": home.database, "own": own, "roles": roles})
    return [Tie(*found) for found in cursor.fetchall()]


def _end(connect: AdminConnect, database: str, tie: Tie) -> None:
    """Roll back a prepared transaction or drop a subscription, as its owner: both may be done in its database only."""
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        execute(cursor, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0] and tie.owner:
            join_roles(cursor, [tie.owner])
            execute(cursor, sql.SQL("SET ROLE {}").format(sql.Identifier(tie.owner)))
        statements: dict[str, Callable[[str], list[sql.Composable]]] = {
            PREPARED: lambda name: [sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(name))],
            SUBSCRIPTION: _without_slot,
        }
        # Each by itself: they may not be part of a transaction.
        for statement in statements[tie.kind](tie.name):
            execute(cursor, statement)


def _without_slot(name: str) -> list[sql.Composable]:
    """Drop a subscription without asking the other server, which may be gone, to drop its slot."""
    subscription = sql.Identifier(name)
    return [
        sql.SQL(statement).format(subscription)
        for statement in (
            "ALTER SUBSCRIPTION {} DISABLE",
            "ALTER SUBSCRIPTION {} SET (slot_name = NONE)",
            "DROP SUBSCRIPTION {}",
        )
    ]


def _drop_slot(cursor: Any, tie: Tie) -> None:
    if tie.process is not None:
        execute(cursor, "SELECT pg_terminate_backend(%s, 5000)", (tie.process,))
    execute(cursor, "SELECT pg_drop_replication_slot(%s)", (tie.name,))
