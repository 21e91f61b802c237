"""What a statement of a tenant's raised: an answer that a function has written out, or an error like others."""

import json

import psycopg2

from tenantry.database.sql_errors import is_raised, translate
from tenantry.domain.errors import PayloadTooLarge, StatementFailed, TenantryError
from tenantry.postgrest.own_headers import MAX_HEADERS_BYTES, header_name, may_tell

OUT_OF_MEMORY = "53200"
# PostgREST's own: a function raises it to write its whole answer.
_ANSWER = "PGRST"
# Said by a session that serves requests, these are a function's, or of a server that PostgreSQL itself has asked. The
# texts may have hosts, files, or what is in memory; all other texts say what the caller or the tenant's own code did.
_INNER = frozenset({
    "08",  # of a server that a foreign table or a function connects to
    "26",  # our prepared statements
    "53", "57", "58", "F0", "XX",  # the server, its files and its operators
    "72",  # snapshots
    "HV",  # foreign tables
})  # fmt: skip
# Says how deep a stack may be, and by which setting of the server's.
_TOO_DEEP = "54001"
_ENDED = "57014"
_INNER_HINT = "Nothing was changed. Whoever runs the server finds the reason in its log, under this code."
# It stands in logs, too.
_MOST_OF_A_CODE = 100
# A number that is too large for an integer is an OverflowError.
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)
_MESSAGE_HINT = "MESSAGE must be a JSON object with 'code' and 'message', and may have 'details' and 'hint'."
_DETAIL_HINT = "DETAIL must be a JSON object with 'status', and may have 'headers'."


def raised(exc: psycopg2.Error) -> TenantryError:
    """Turn an error of a data request's statement, whose session goes on, into what its caller is answered.

    So a code of connecting or of logging in does not mean that the database can't be reached: nobody has to try again.
    """
    sqlstate = exc.pgcode
    if sqlstate is None or (sqlstate == _ENDED and not is_raised(exc)):
        return translate(exc)
    if sqlstate == OUT_OF_MEMORY:
        return too_costly()
    if sqlstate == _ANSWER:
        return _written_out(exc)
    if sqlstate == _TOO_DEEP:
        return StatementFailed("The request, or a function, is nested too deeply.", code=sqlstate, hint="Nest it less.")
    if sqlstate[:2] in _INNER:
        return StatementFailed("The database could not run the statement.", code=sqlstate, hint=_INNER_HINT)
    return _told(exc, sqlstate)


def _told(exc: psycopg2.Error, sqlstate: str) -> StatementFailed:
    diagnostics = exc.diag
    message, details, hint = diagnostics.message_primary, diagnostics.message_detail, diagnostics.message_hint
    return StatementFailed(message, code=sqlstate, details=details, hint=hint)


def too_costly() -> PayloadTooLarge:
    """Say that a statement, or the answer to it, got no more memory: it was ended, and nothing else."""
    return PayloadTooLarge(
        "The request needs more memory than one may have.",
        code=OUT_OF_MEMORY,
        hint="Nothing was changed. Ask for fewer rows with 'limit', or fewer columns with 'select'.",
    )


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
        headers = {
            header_name(name): str(value)
            for name, value in answer.get("headers", {}).items()
            if may_tell(name, str(value))
        }
        if len(json.dumps(headers)) > MAX_HEADERS_BYTES:
            return _unreadable(f"The headers have more than {MAX_HEADERS_BYTES} bytes", _DETAIL_HINT)
    except _MALFORMED:
        missing = "DETAIL is missing in the RAISE statement"
        return _unreadable(missing if asked is None else f"Invalid JSON value for DETAIL: '{asked}'", _DETAIL_HINT)
    code, message, details, hint = [text if text is None else str(text) for text in texts]
    code = code[:_MOST_OF_A_CODE] if code else None
    refusal = StatementFailed(message, code=code, details=details, hint=hint)
    refusal.answer = (status, headers)
    return refusal


def _unreadable(details: str, hint: str) -> TenantryError:
    message = "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error"
    return TenantryError(message, code="PGRST121", details=details, hint=hint)
