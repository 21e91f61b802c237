"""Which extensions a server has to offer, and which a database needs."""

from collections.abc import Iterable
from contextlib import closing

from tenantry.database.admin_sql import AdminConnect, execute
from tenantry.domain.errors import Conflict


def extensions_of(connect: AdminConnect, database: str) -> list[str]:
    """List the extensions of a database. :raises TenantryError: the server refused."""
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        execute(cursor, "SELECT extname::text FROM pg_catalog.pg_extension")
        return [name for (name,) in cursor.fetchall()]


def require_extensions(connect: AdminConnect, names: Iterable[str]) -> None:
    """Make sure that databases with these extensions can be made on a server.

    :raises Conflict: the server lacks some (`extension_unavailable`); `details` name them.
    :raises TenantryError: the server refused.
    """
    wanted = set(names)
    if not wanted:
        return
    with closing(connect("postgres")) as connection, connection.cursor() as cursor:
        execute(cursor, "SELECT name::text FROM pg_available_extensions WHERE name = ANY(%s)", (sorted(wanted),))
        missing = wanted - {name for (name,) in cursor.fetchall()}
    if missing:
        raise Conflict(
            "The server does not have all extensions that the tenant's database needs.",
            code="extension_unavailable",
            details=", ".join(sorted(missing)),
            hint="Install them on the server, or choose another one.",
        )
