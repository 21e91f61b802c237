"""A tenant with a harbour's books, whose data API the clients call."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg2 import sql

from tests.e2e.api import Api, open_database
from tests.e2e.living import administer, living_tenant

_SCHEMA = Path(__file__).with_name("harbour.sql")
# The tables are the owner's, and `office` is exposed after they are made: as teams do it.
_SETTINGS = {"schemas": ["public", "office"], "aggregates": True, "plans": True}


@dataclass(frozen=True, slots=True)
class Harbour:
    """The data API's address, and the token of an editor."""

    url: str
    token: str


@contextmanager
def open_harbour(api: Api) -> Iterator[Harbour]:
    """Make the tenant and its tables, and remove them in the end."""
    with living_tenant(api, region="ap-south-1") as tenant:
        with open_database(tenant.server(), tenant.name) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"{tenant.name}_owner")))
            cursor.execute(_SCHEMA.read_text())
        administer(api, "PUT", f"/tenants/{tenant.name}/data-api", json=_SETTINGS)
        # A token taken before would be answered for with the settings as they were.
        yield Harbour(f"{api.stack.api_url}/rest/v1", api._sign_in(tenant.users[1]))
