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
    table = sql.Identifier(schema, VERSION_TABLE)
    answer = _Limited()
    with translated(), connection.cursor() as cursor:
        cursor.execute(load_sql("revisions/version_table"), (table.as_string(connection),))
        is_table, policies = cursor.fetchone()
        if not is_table:
            return None
        cursor.execute("SET row_security = off")
        try:
            cursor.copy_expert(sql.SQL("COPY {} (version_num) TO STDOUT").format(table), answer)
        finally:
            # A transaction that has failed takes it back itself.
            if connection.info.transaction_status != TRANSACTION_STATUS_INERROR:
                cursor.execute("SELECT pg_catalog.set_config('row_security', %s, false)", (policies,))
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
