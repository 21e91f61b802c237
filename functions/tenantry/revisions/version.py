"""Which revision a schema is at, as an administrator may ask where a tenant may have made anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import TRANSACTION_STATUS_INERROR

from tenantry.database.sql_errors import translate
from tenantry.database.sql_files import load_sql
from tenantry.domain.revision import VERSION_TABLE

# Alembic gives its revisions a column of 32 characters.
_REVISION_LENGTH = 64


def schema_revision(connection: Any, schema: str) -> str | None:
    """Tell which revision a schema is at; None where no revision was ever run, or no table says.

    An administrator may ask: nothing that a tenant has made is run. COPY looks the name up once, reads an ordinary
    table and nothing else, and fails where a policy would be asked.

    :param connection: psycopg2's, as somebody who may read the tenant's tables.
    :raises TenantryError: the database refused.
    """
    with translated(), connection.cursor() as cursor:
        is_table, policies = look_for_version(cursor, schema)
        try:
            return copy_version(cursor, schema) if is_table else None
        finally:
            # A transaction that has failed takes it back itself.
            if connection.info.transaction_status != TRANSACTION_STATUS_INERROR:
                cursor.execute("SELECT pg_catalog.set_config('row_security', %s, false)", (policies,))


def look_for_version(cursor: Any, schema: str, begin: str = "") -> tuple[bool, str]:
    """Tell whether an ordinary table keeps a schema's revision, and turn this session's row_security off.

    :param begin: statements to be sent before, in the same message.
    :returns: that, and the row_security from before, which is to be restored.
    :raises psycopg2.Error: as PostgreSQL gave it.
    """
    table = sql.Literal(sql.Identifier(schema, VERSION_TABLE).as_string(cursor))
    cursor.execute(f"{begin}{load_sql('revisions/version_table').format(table=table).as_string(cursor)}")
    is_table, policies, _ = cursor.fetchone()
    return bool(is_table), policies


def copy_version(cursor: Any, schema: str) -> str | None:
    """Read the revision from its table, where row_security is off. :raises psycopg2.Error: as PostgreSQL gave it."""
    answer = _Limited()
    table = sql.Identifier(schema, VERSION_TABLE)
    cursor.copy_expert(sql.SQL("COPY {} (version_num) TO STDOUT").format(table), answer)
    return answer.first_line()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except psycopg2.Error as exc:
        raise translate(exc) from exc


class _Limited(StringIO):
    """Keeps the beginning of what is written to it: a table that a tenant has filled may be of any size."""

    def write(self, text: str) -> int:
        if self.tell() < _REVISION_LENGTH:
            super().write(text)
        return len(text)

    def first_line(self) -> str | None:
        found, _, _ = self.getvalue().partition("\n")
        return found or None
