"""How to get at a home: the login, its role, and a transaction in which values are written in one form."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import Home, Isolation, TenantId

# So that a value is written the same way by every server. What is not our own schema's is then named with its schema.
_FORMS = (
    "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL xmloption = 'content'; "
    "SET LOCAL lc_monetary = 'C'; SET LOCAL client_encoding = 'UTF8'"
)


@dataclass(frozen=True, slots=True)
class Access:
    """How to get at a home: the login, and the role that it becomes, which owns (or may read) what is there."""

    home: Home
    credentials: Credentials
    role: str
    # Whose rows of shared tables to look at, for a role that sees everybody's.
    only: TenantId | None = None

    @property
    def is_pooled(self) -> bool:
        """Whether the tenant's rows lie in tables that others share."""
        return self.home.isolation is Isolation.POOLED

    @property
    def scope(self) -> dict[str, str | None]:
        """Which schema to look in: in a database of the tenant's own, all of them."""
        return {"schema": None if self.home.isolation is Isolation.DATABASE else self.home.schema}


def begin(connection: Any, access: Access, mode: str = "", snapshot: str = "") -> None:
    """Begin a transaction as the home's role, with values written in one form.

    :param snapshot: what the transaction sees; without one, its own.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    # In tables of its own, a policy that hides rows from their owner is an error and not a smaller result.
    policies = "on" if access.is_pooled else "off"
    statements = [
        sql.SQL(f"BEGIN {mode}"),
        *([sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot))] if snapshot else []),
        sql.SQL(_FORMS),
        sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(access.role)),
        sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(access.home.schema)),
        sql.SQL(f"SET LOCAL row_security = {policies}"),
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("; ").join(statements))


@contextmanager
def looking_in(connection: Any, schema: str) -> Iterator[None]:
    """Find what has no schema before its name in this one alone, until this ends; in a transaction.

    What a tenant has made in its own schema would answer for PostgreSQL's own, where its types fit better.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.current_setting('search_path')")
        before = cursor.fetchone()[0]
        cursor.execute(sql.SQL("SET LOCAL search_path = {}, pg_temp").format(sql.Identifier(schema)))
        yield
        cursor.execute("SELECT pg_catalog.set_config('search_path', %s, true)", (before,))
