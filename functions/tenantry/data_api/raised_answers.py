"""What a statement of a tenant's raised: an answer that a function has written out, or an error like others."""

import json
import re

import psycopg2

from tenantry.database.sql_errors import translate
from tenantry.domain.errors import PayloadTooLarge, StatementFailed, TenantryError
from tenantry.postgrest.answers import may_tell

OUT_OF_MEMORY = "53200"
# PostgREST's own: a function raises it to write its whole answer.
_ANSWER = "PGRST"
# The classes that PostgreSQL has itself (its documentation, appendix A); 28 is said of who logs in.
_is_postgresqls = re.compile("0[01-389ABFLPZ]|10|2[0-8BDF]|3[489BDF]|4[024]|5[34578]|72|F0|HV|P0|XX").match
_LOGIN = "28"
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_MESSAGE_HINT = "MESSAGE must be a JSON object with 'code' and 'message', and may have 'details' and 'hint'."
_DETAIL_HINT = "DETAIL must be a JSON object with 'status', and may have 'headers'."


def raised(exc: psycopg2.Error) -> TenantryError:
    """Turn an error of a data request's statement into what its caller is answered."""
    if exc.pgcode == OUT_OF_MEMORY:
        return _too_costly()
    if exc.pgcode == _ANSWER:
        return _written_out(exc)
    return _told(exc, exc.pgcode) if exc.pgcode and _is_tenants_own(exc.pgcode) else translate(exc)


def _is_tenants_own(sqlstate: str) -> bool:
    """Tell whether only a function can have raised it: PostgreSQL has no such class, or not after the login."""
    return not _is_postgresqls(sqlstate) or sqlstate.startswith(_LOGIN)


def _told(exc: psycopg2.Error, sqlstate: str) -> StatementFailed:
    diagnostics = exc.diag
    message, details, hint = diagnostics.message_primary, diagnostics.message_detail, diagnostics.message_hint
    return StatementFailed(message, code=sqlstate, details=details, hint=hint)


def _too_costly() -> PayloadTooLarge:
    """Say that the server gave a statement no more memory: it was ended, and nothing else."""
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
