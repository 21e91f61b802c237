"""Translates PostgreSQL's errors into ours, by SQLSTATE."""

import psycopg2

from tenantry.domain.errors import (
    DatabaseGone,
    DatabaseTimeout,
    DatabaseUnavailable,
    StatementFailed,
    TenantryError,
    unavailable,
)

# The classes of errors that a caller causes. PostgreSQL's own primary message is passed on for these only: it names the
# caller's own table, column or value, and no host. All other errors are told in our words, without driver text.
_CALLERS_CLASSES = frozenset({"0A", "21", "22", "23", "25", "2F", "38", "39", "42", "44", "55", "P0"})
_TIMEOUTS = frozenset({"57014", "25P03", "25P04"})
_UNAVAILABLE_CLASSES = frozenset({"08", "28", "53", "57", "58"})


def translate(exc: psycopg2.Error) -> TenantryError:
    """Turn an error of a statement into the error for the caller; `code` is the SQLSTATE."""
    sqlstate = exc.pgcode
    if sqlstate is None:
        return DatabaseUnavailable()
    if sqlstate in _TIMEOUTS:
        return DatabaseTimeout(code=sqlstate)
    if sqlstate[:2] in _UNAVAILABLE_CLASSES or sqlstate == DatabaseGone.code:
        return unavailable(sqlstate)
    if sqlstate[:2] in _CALLERS_CLASSES or sqlstate[:2] == "PT":
        diagnostics = exc.diag
        return StatementFailed(
            diagnostics.message_primary,
            code=sqlstate,
            details=diagnostics.message_detail,
            hint=diagnostics.message_hint,
        )
    return StatementFailed("The database refused the statement.", code=sqlstate)
