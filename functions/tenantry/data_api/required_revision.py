"""Refuses to serve a tenant whose schema lacks what the application needs, until the moment when it has it.

The authorizer's answer is cached for a minute. So where it says that a tenant is behind, its database is asked.
"""

from typing import Any, Protocol

import psycopg2

from tenantry.database.sql_files import load_sql
from tenantry.domain.errors import SchemaBehind
from tenantry.domain.revision import VERSION_TABLE
from tenantry.domain.tenant import TenantId, owner_role
from tenantry.postgrest.names import quote

# The table is not there, is another one, or may not be read: nobody can tell that the others are as they have to be.
_NOT_AS_WE_MADE_IT = "42"


class TenantSession(Protocol):
    """A tenant's connection, such as `TenantConnection`; `partition` is empty unless its tables are shared."""

    schema: str
    partition: str

    def read_json(self, statement: str, values: Any) -> Any:
        """Send one message and return the single value of its last statement."""


def require_revision(session: TenantSession, tenant_id: TenantId, required: str) -> None:
    """Make sure that a tenant's schema is at a revision, or further.

    :raises SchemaBehind: it is not.
    """
    try:
        found = _shared(session) if session.partition else _own(session, tenant_id)
    except psycopg2.Error as exc:
        if not (exc.pgcode or "").startswith(_NOT_AS_WE_MADE_IT):
            raise
        raise SchemaBehind() from exc
    if not isinstance(found, str) or found < required:
        raise SchemaBehind()


def _own(session: TenantSession, tenant_id: TenantId) -> Any:
    table = f"{quote(session.schema)}.{quote(VERSION_TABLE)}"
    text = load_sql("data_api/revision_of_own_home").string
    return session.read_json(text.format(owner=quote(owner_role(tenant_id)), table=table), None)


def _shared(session: TenantSession) -> Any:
    names = {"schema": session.schema, "table": VERSION_TABLE}
    return session.read_json(load_sql("data_api/revision_of_pool").string, names)
