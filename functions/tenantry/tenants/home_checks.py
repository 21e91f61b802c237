"""Checks that a tenant has the home that the registry and its secret speak of."""

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Home
from tenantry.homes.gone import is_there
from tenantry.servers.servers import Servers


def require_home(servers: Servers, home: Home) -> None:
    """Make sure that a home is there: making an empty one in its place would be no repair.

    :raises Conflict: its database or schema is gone (`home_missing`).
    :raises TenantryError: the server did not answer.
    """
    if not is_there(servers.connector(home.server_id), home):
        raise Conflict(
            "The tenant's database or schema is gone.",
            code="home_missing",
            hint="Restore its newest backup in its place.",
        )
