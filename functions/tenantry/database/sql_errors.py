"""Translates PostgreSQL's errors into ours, by SQLSTATE, for operators: they see no row, and no text of a tenant's."""

from typing import Any

import psycopg2

from tenantry.domain.errors import (
    DatabaseGone,
    DatabaseTimeout,
    DatabaseUnavailable,
    StatementFailed,
    TenantryError,
    unavailable,
)

# Classes whose messages name a table, a role or a feature, and no host: PostgreSQL's own primary message is passed on.
_ABOUT_OBJECTS = frozenset({"0A", "25", "2F", "42", "55"})
# Classes whose messages may hold a value, or are a text that a tenant's code has raised. What is concerned is named.
_ABOUT_VALUES = frozenset({"21", "22", "23", "38", "39", "44", "P0", "PT"})
_VALUE_REFUSED = "The database refused a row or a value, or code in it has failed."
_TIMEOUTS = frozenset({"57014", "25P03", "25P04"})
_UNAVAILABLE_CLASSES = frozenset({"08", "28", "53", "57", "58"})


def translate(exc: psycopg2.Error) -> TenantryError:
    """Turn an error of a statement into the error for the caller; `code` is the SQLSTATE.

    `details` name the table, column, type and constraint that are concerned.
    """
    sqlstate = exc.pgcode
    if sqlstate is None:
        return DatabaseUnavailable()
    if sqlstate in _TIMEOUTS:
        return DatabaseTimeout(code=sqlstate)
    if sqlstate[:2] in _UNAVAILABLE_CLASSES or sqlstate == DatabaseGone.code:
        return unavailable(sqlstate)
    if sqlstate[:2] in _ABOUT_VALUES:
        return StatementFailed(_VALUE_REFUSED, code=sqlstate, details=_concerned(exc.diag))
    if sqlstate[:2] in _ABOUT_OBJECTS:
        return StatementFailed(exc.diag.message_primary, code=sqlstate, details=_concerned(exc.diag))
    return StatementFailed("The database refused the statement.", code=sqlstate)


def is_raised(exc: psycopg2.Error) -> bool:
    """Whether a tenant's own code has said so, with any SQLSTATE that it likes, and not PostgreSQL."""
    return exc.diag.source_function == "exec_stmt_raise"


def is_within_function(exc: psycopg2.Error) -> bool:
    """Whether it happened in a function or a trigger, and not in the statement that was sent or around it."""
    return exc.diag.context is not None


def _concerned(diagnostics: Any) -> str | None:
    """Name what an error is about, as far as PostgreSQL says it beside its message."""
    schema = diagnostics.schema_name
    named = (
        ("table", diagnostics.table_name),
        ("column", diagnostics.column_name),
        ("type", diagnostics.datatype_name),
        ("constraint", diagnostics.constraint_name),
    )
    found = [
        f"{kind} {schema}.{name}" if kind in {"table", "type"} else f"{kind} {name}" for kind, name in named if name
    ]
    return ", ".join(found) or None
