"""Roles that stand in for others' while a backup is restored where those are not: its policies name them.

PostgreSQL makes no policy for a role that is not there. Afterwards the policies are for the tenant's roles alone, and
the roles are dropped. They can't log in, have no right and are in no other role.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import AdminConnect, execute, join_roles, known_roles, run
from tenantry.database.marks import create_marked_role, ignore_name_taken
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import StatementFailed, TenantryError
from tenantry.domain.rights import AllRights, others

_MARK = "tenantry stand-in"
_ATTRIBUTES = "NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
# A name that some tenant's role has, or may get, and one that PostgreSQL keeps for itself.
_RESERVED = re.compile(r"[a-z][a-z0-9-]*_(owner|editor|viewer|login_[ab]|copy|dump|count)|pg_.*|public|none")


@contextmanager
def stand_ins(connect: AdminConnect, database: str, rights: AllRights | None) -> Iterator[None]:
    """Make the roles that policies name and the server has not, until the block ends.

    :param connect: as the administrator of the server.
    :param database: the one that is filled meanwhile.
    :param rights: those of the backup; None: its manifest has none, so nobody knows whom its policies name.
    :raises TenantryError: the server refused.
    """
    policies = {thing: found for thing, found in (rights or {}).items() if thing.kind == "POLICY"}
    names = sorted(word[1:] for word in others(policies))
    made = _make(connect, [name for name in names if not _RESERVED.fullmatch(name)]) if names else False
    try:
        yield
    finally:
        if made:
            # Of a failed restore nothing is kept, and the next one drops what remains.
            with suppress(TenantryError):
                _drop(connect, database)


def _make(connect: AdminConnect, names: list[str]) -> bool:
    """Make those that are missing; returns whether there are any that stand in."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        known = known_roles(cursor, names)
        for name in names:
            if name not in known:
                with ignore_name_taken():
                    create_marked_role(cursor, name, _ATTRIBUTES, _MARK)
        return bool(_standing_in(cursor))


def _drop(connect: AdminConnect, database: str) -> None:
    """Drop all that nothing depends on: also what a worker that died has left, but none that another one needs."""
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        for name in _standing_in(cursor):
            role = {"role": sql.Identifier(name)}
            join_roles(cursor, [name])
            run(connect, database, load_sql("servers/drop_owned").format(**role))
            with suppress(StatementFailed):
                execute(cursor, sql.SQL("DROP ROLE {role}").format(**role))


def _standing_in(cursor: Any) -> list[str]:
    execute(cursor, "SELECT rolname::text FROM pg_roles WHERE shobj_description(oid, 'pg_authid') = %s", (_MARK,))
    return [name for (name,) in cursor.fetchall()]
