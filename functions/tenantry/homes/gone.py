"""Tells homes that are not there any more, because somebody has dropped them by hand, from servers that are away."""

from collections.abc import Iterator
from contextlib import contextmanager

from tenantry.database.admin_sql import AdminConnect
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import Home, Isolation
from tenantry.homes import swapping

# A database, a schema, or a role that is not there.
_GONE = frozenset({"3D000", "3F000", "42704"})


def is_there(connect: AdminConnect, home: Home) -> bool:
    """Tell whether a server has a home's database and schema, whatever is in it.

    :raises TenantryError: the server did not answer.
    """
    has_database = swapping.has_database(connect, home.database)
    if home.isolation is not Isolation.SCHEMA or not has_database:
        return has_database
    return swapping.has_schema(connect, home.database, home.schema)


@contextmanager
def ignore_gone() -> Iterator[None]:
    """Ignore that a database, a schema or a role is gone: what is not there can be neither opened nor given back."""
    try:
        yield
    except TenantryError as exc:
        if exc.code not in _GONE:
            raise
