"""Says at the time of a backup what a restore of it will not bring back, and why, and what no copy can be made of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from tenantry.contents.definition_text import Neutraliser
from tenantry.database.admin_sql import AdminConnect, role_names, transaction
from tenantry.database.logins import login_names
from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.backup_facts import LEFT_OUT, Omission
from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Home, Isolation, TenantId

# More than these are of one cause, which is then known.
_MOST = 1_000
_PREPARED = "prepared transaction"
_NAMED = 10


def read_omissions(connection: Any, tenant_id: TenantId, home: Home) -> list[Omission]:
    """List what a restore does not bring back, with only pg_catalog in the search path; at most a thousand things.

    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    schema = None if home.isolation is Isolation.DATABASE else home.schema
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(%s)", (home.schema,))
        neutral = Neutraliser([cursor.fetchone()[0]])
        scope = {"schema": schema, "roles": [*login_names(tenant_id), *role_names(tenant_id).values()], "most": _MOST}
        cursor.execute(load_sql("contents/omissions"), scope)
        found = [
            Omission(kind=kind, name=neutral.names(name), reason=reason, catalogue=catalogue, object=row)
            for kind, name, reason, catalogue, row in cursor.fetchall()
        ]
    # Shared tables are not the tenant's to bring back; what it has prepared there is its own.
    return [gone for gone in found if home.isolation is not Isolation.POOLED or gone.kind == _PREPARED]


def require_copyable(connect: AdminConnect, tenant_id: TenantId, home: Home) -> None:
    """Make sure that pg_restore can make again, as a tenant's owner, all that pg_dump finds in a home.

    A restore leaves out of an archive what it can't; a copy has no archive.

    :param connect: as the administrator of the home's server.
    :raises Conflict: it can't make something (`unrestorable`); `details` name ten.
    :raises TenantryError: the server refused.
    """
    if home.isolation is Isolation.POOLED:
        return
    with _translated(), transaction(connect, home.database) as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        found = read_omissions(cursor.connection, tenant_id, home)
    names = [f"{gone.kind} {gone.name}".replace("@.", f"{home.schema}.") for gone in found if gone.reason in LEFT_OUT]
    if names:
        raise Conflict(
            "The tenant has things that no copy can have: only a superuser may make them, or pg_restore can't.",
            code="unrestorable",
            details=", ".join(names[:_NAMED]),
            hint="Drop them, or replace them by what the database's owner may make; a restore leaves them out.",
        )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as exc:
        raise translate(exc) from exc
