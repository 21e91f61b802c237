"""PostgreSQL's errors in our words, told apart by SQLSTATE."""

import json

import psycopg2

from tenantry.domain.errors import (
    DatabaseTimeout,
    DatabaseUnavailable,
    StatementFailed,
    TenantryError,
)
from tenantry.postgrest.answers import may_tell

# What a caller did wrong, in words that name no host and repeat no driver text. PostgreSQL's own primary message is
# passed on for these classes only: it speaks of the caller's own table, column or value.
_CALLERS_CLASSES = frozenset({"0A", "21", "22", "23", "25", "2F", "38", "39", "42", "44", "55", "P0"})
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_MESSAGE_HINT = "MESSAGE must be a JSON object with 'code' and 'message', and may have 'details' and 'hint'."
_DETAIL_HINT = "DETAIL must be a JSON object with 'status', and may have 'headers'."
_TIMEOUTS = frozenset({"57014", "25P03"})
_UNAVAILABLE_CLASSES = frozenset({"08", "28", "53", "57", "58"})


def translate(exc: psycopg2.Error) -> TenantryError:
    """Turn an error of a statement into the one that the caller sees; `code` is the SQLSTATE."""
    sqlstate = exc.pgcode
    if sqlstate is None:
        return DatabaseUnavailable()
    if sqlstate in _TIMEOUTS:
        return DatabaseTimeout(code=sqlstate)
    if sqlstate[:2] in _UNAVAILABLE_CLASSES or sqlstate == "3D000":
        return DatabaseUnavailable(code=sqlstate)
    if sqlstate == "PGRST":
        return _written_out(exc)
    if sqlstate[:2] in _CALLERS_CLASSES or sqlstate[:2] == "PT":
        diagnostics = exc.diag
        return StatementFailed(
            diagnostics.message_primary,
            code=sqlstate,
            details=diagnostics.message_detail,
            hint=diagnostics.message_hint,
        )
    return StatementFailed("The database refused the statement.", code=sqlstate)


def _written_out(exc: psycopg2.Error) -> TenantryError:
    """Read an answer that a function has written out, as PostgREST has it: JSON in the message and in the detail."""
    told, asked = exc.diag.message_primary or "", exc.diag.message_detail
    try:
        error = json.loads(told)
        texts = [error["code"], error["message"], error.get("details"), error.get("hint")]
    except _MALFORMED:
        return _unreadable(f"Invalid JSON value for MESSAGE: '{told}'", _MESSAGE_HINT)
    try:
        answer = json.loads(asked or "")
        status = int(answer["status"])
        headers = {name: str(value) for name, value in answer.get("headers", {}).items() if may_tell(name, str(value))}
    except _MALFORMED:
        missing = "DETAIL is missing in the RAISE statement"
        return _unreadable(missing if asked is None else f"Invalid JSON value for DETAIL: '{asked}'", _DETAIL_HINT)
    code, message, details, hint = [text if text is None else str(text) for text in texts]
    refusal = StatementFailed(message, code=code, details=details, hint=hint)
    refusal.answer = (status, headers)
    return refusal


def _unreadable(details: str, hint: str) -> TenantryError:
    message = "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error"
    return TenantryError(message, code="PGRST121", details=details, hint=hint)
