"""Marks show that a role or a database on a server is ours; a name proves nothing.

A role's mark is its comment, written in the transaction that creates the role. Only roles that administer other roles
can write one: a tenant's roles have neither CREATEROLE nor ADMIN, so they can't forge a mark or remove their own. A
tenant's own database has no mark: its owner could write the comment, and a marked role owns the database from the
start. Shared databases and templates belong to the administrator, and have a comment as their mark.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg2 import sql

from tenantry.database.admin_sql import execute
from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import Conflict, StatementFailed
from tenantry.domain.tenant import TenantId

# The mark of what all tenants of a server have in common: groups, templates, shared databases.
SERVER_MARK = "tenantry server"
# A database can't be created and marked in one transaction. This connection limit shows that we made it, until it is
# marked.
UNMARKED_LIMIT = 1952804452
NAME_TAKEN = "name_taken"
NO_ATTRIBUTES = "NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
# SQLSTATEs for a role (duplicate_object) and a database (duplicate_database) that already exists.
_EXISTS = frozenset({"42710", "42P04"})


def tenant_marks(cursor: Any, tenant_id: TenantId) -> list[str]:
    """Return the marks that a tenant's role may have, as LIKE patterns; a new role gets the first.

    Several stages may share a server, so a mark names its stage if the session has the setting `tenantry.stage`. A
    session without that setting accepts the marks of any stage.

    :raises TenantryError: the server did not answer.
    """
    execute(cursor, "SELECT current_setting('tenantry.stage', true)")
    return marks_of(tenant_id, cursor.fetchone()[0])


def marks_of(tenant_id: TenantId, stage: str | None) -> list[str]:
    """Return the marks as `tenant_marks`, for a session whose setting `tenantry.stage` is known."""
    bare = f"tenantry tenant={tenant_id}"
    return [f"{bare} stage={stage}", bare] if stage else [bare, f"{bare} stage=%"]


def foreign_roles_named(cursor: Any, names: Iterable[str], marks: Iterable[str]) -> list[str]:
    """List the existing roles of these names that have none of the marks. :raises TenantryError: as above."""
    execute(cursor, load_sql("database/unmarked_roles"), (list(names), list(marks)))
    return [name for (name,) in cursor.fetchall()]


def mark_role(cursor: Any, name: str, mark: str) -> None:
    """Mark a role. :raises TenantryError: the server refused."""
    execute(cursor, _comment("ROLE", name, mark))


def ensure_role(cursor: Any, name: str, login: str, marks: Sequence[str]) -> None:
    """Make a role without attributes, or remove the attributes of our existing role of that name.

    :param login: `LOGIN` or `NOLOGIN`.
    :param marks: the marks that show that a role of that name is ours; a new role gets the first.
    :raises Conflict: a role of that name is not ours (`name_taken`); it is left as it is.
    :raises TenantryError: as above.
    """
    # Only superusers may write NOSUPERUSER, even if it changes nothing, so ALTER ROLE runs only if it is needed.
    execute(cursor, load_sql("database/role_is_plain"), (list(marks), login == "LOGIN", name))
    found = cursor.fetchone()
    attributes = f"{login} {NO_ATTRIBUTES}"
    if found is None:
        create_marked_role(cursor, name, attributes, marks[0])
        return
    is_plain, is_ours = found
    if not is_ours:
        raise name_taken(f"role {name}")
    if not is_plain:
        execute(cursor, sql.SQL("ALTER ROLE {} WITH {}").format(sql.Identifier(name), sql.SQL(attributes)))


def create_marked_role(
    cursor: Any, name: str, attributes: str, mark: str, rights: sql.Composable | None = None
) -> None:
    """Make a role with its mark, in one transaction.

    :param rights: statements that give it its rights in the same transaction.
    :raises Conflict: there is a role of that name (`name_taken`).
    :raises TenantryError: the server refused.
    """
    create = sql.SQL("CREATE ROLE {} WITH {}; ").format(sql.Identifier(name), sql.SQL(attributes))
    also = sql.SQL("; ") + rights if rights else sql.SQL("")
    _create(cursor, create + _comment("ROLE", name, mark) + also, f"role {name}")


def is_our_database(cursor: Any, name: str) -> bool | None:
    """Whether a database of that name has the server's mark; None if there is no such database.

    :raises TenantryError: the server did not answer.
    """
    execute(cursor, load_sql("database/database_mark"), (SERVER_MARK, UNMARKED_LIMIT, name))
    found = cursor.fetchone()
    return bool(found[0]) if found else None


def create_marked_database(cursor: Any, name: str) -> None:
    """Make an empty database that belongs to the administrator, with the server's mark.

    :raises Conflict: there is a database of that name (`name_taken`).
    :raises TenantryError: the server refused.
    """
    quoted = {"database": sql.Identifier(name), "limit": sql.Literal(UNMARKED_LIMIT)}
    create = "CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' CONNECTION LIMIT {limit}"
    _create(cursor, sql.SQL(create).format(**quoted), f"database {name}")
    mark_database(cursor, name)


def mark_database(cursor: Any, name: str) -> None:
    """Mark a database as the server's. :raises TenantryError: the server refused."""
    unlimited = sql.SQL("; ALTER DATABASE {} CONNECTION LIMIT -1").format(sql.Identifier(name))
    execute(cursor, _comment("DATABASE", name, SERVER_MARK) + unlimited)


def name_taken(*taken: str) -> Conflict:
    """Build the error for names that the server uses for something that is not ours; nothing was changed.

    :param taken: the kind and name of each, such as `role acme_owner`.
    """
    return Conflict(
        "The server has something of that name already, and it is not ours.",
        code=NAME_TAKEN,
        details=", ".join(taken),
        hint="Choose another tenant id or another server, or rename what is there.",
    )


@contextmanager
def ignore_name_taken() -> Iterator[None]:
    """Ignore that something is not ours: if so, we must not drop it either."""
    try:
        yield
    except Conflict as exc:
        if exc.code != NAME_TAKEN:
            raise


def _create(cursor: Any, statement: sql.Composable, what: str) -> None:
    try:
        execute(cursor, statement)
    except StatementFailed as exc:
        if exc.code not in _EXISTS:
            raise
        raise name_taken(what) from exc


def _comment(kind: str, name: str, mark: str) -> sql.Composable:
    return sql.SQL(f"COMMENT ON {kind} {{}} IS {{}}").format(sql.Identifier(name), sql.Literal(mark))
