"""Builds answers for API Gateway, and has the only table that maps errors to statuses."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tenantry.domain.errors import (
    AccessDenied,
    BadRequest,
    Conflict,
    DatabaseTimeout,
    DatabaseUnavailable,
    DependencyFailed,
    Details,
    NotFound,
    PayloadTooLarge,
    RequestRefused,
    StatementFailed,
    TenantryError,
    TooManyAtOnce,
    Unauthenticated,
)

_JSON = {"Content-Type": "application/json; charset=utf-8"}
# The star is for what a function of the tenant's sets; the others are named for browsers that do not know it.
EXPOSED_HEADERS = (
    "*,Content-Range,Content-Profile,Content-Location,Location,Preference-Applied,Allow,X-Request-Id,X-Amzn-RequestId,"
    "Retry-After"
)

# The most specific class of an error decides its status.
_STATUS: dict[type[TenantryError], int] = {
    Unauthenticated: 401,
    AccessDenied: 403,
    NotFound: 404,
    BadRequest: 400,
    Conflict: 409,
    PayloadTooLarge: 413,
    TooManyAtOnce: 429,
    DatabaseUnavailable: 503,
    DatabaseTimeout: 504,
    DependencyFailed: 503,
    TenantryError: 500,
}

# PostgREST's table (its documentation, "Errors", version 14). A key is a PostgREST code, a SQLSTATE or its class.
_CODE_STATUS = {
    "PGRST101": 405,
    "PGRST103": 416,
    "PGRST105": 405,
    "PGRST106": 406,
    "PGRST107": 406,
    "PGRST116": 406,
    "PGRST117": 405,
    "PGRST125": 404,
    "PGRST200": 400,
    "PGRST201": 300,
    "PGRST202": 404,
    "PGRST203": 300,
    "PGRST205": 404,
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "42P01": 404,
    "42883": 404,
    "42P17": 500,
    "42501": 403,
    "53400": 500,
    "P0001": 400,
    # A body that is nested too deeply: the caller's fault, unlike the other codes of this class.
    "54001": 400,
}
_SQLSTATE_CLASS_STATUS = {
    "08": 503, "09": 500, "0L": 403, "0P": 403, "25": 500, "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500,
    "40": 500, "53": 503, "54": 500, "55": 500, "57": 500, "58": 500, "F0": 500, "HV": 500, "P0": 500, "XX": 500,
}  # fmt: skip


def status_of(error: TenantryError) -> int:
    """Look up the HTTP status of an error."""
    if isinstance(error, StatementFailed):
        if error.answer and 200 <= error.answer[0] <= 599:
            return error.answer[0]
        own = error.code[2:]
        if error.code.startswith("PT") and own.isdigit() and 200 <= int(own) <= 599:
            return int(own)
        by_class = _SQLSTATE_CLASS_STATUS.get(error.code[:2], 400)
        return _CODE_STATUS.get(error.code, by_class)
    if error.code in _CODE_STATUS:
        return _CODE_STATUS[error.code]
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


# What Lambda sends of one answer, as JSON. API Gateway sends 10,240 bytes of its headers, here twice that at most.
_MOST_SENT_BYTES: Final = 6_291_556
MOST_BODY_BYTES: Final = _MOST_SENT_BYTES - 25_000
# No character takes more when it is sent.
MOST_BYTES: Final = 6
# Of each text of an error: a function may raise any number of characters.
_MOST_TOLD = 10_000


def sent_bytes(body: str) -> int:
    """Count the bytes that Lambda sends for a body: it is a JSON string there, in UTF-8."""
    return len(json.dumps(body, ensure_ascii=False).encode())


def answer(
    status: int,
    body: str,
    cors_origin: str,
    headers: Mapping[str, str | list[str]] | None = None,
    *,
    is_binary: bool = False,
) -> dict[str, Any]:
    """Build an answer for API Gateway; a header that has a list is sent once for each of its values.

    Nothing has no type, unless `headers` say that of a body that is not sent; API Gateway calls nothing JSON.

    :param is_binary: the body is bytes in Base64, which API Gateway decodes.
    """
    single: dict[str, Any] = {
        **(_JSON if body else {}),
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": cors_origin,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        **(headers or {}),
    }
    made = {"statusCode": status, "headers": single, "body": body}
    if is_binary:
        made["isBase64Encoded"] = True
    repeated = [name for name, value in single.items() if not isinstance(value, str)]
    if repeated:
        made["multiValueHeaders"] = {name: single.pop(name) for name in repeated}
    return made


def error_answer(error: TenantryError, cors_origin: str) -> dict[str, Any]:
    """Build the answer to an error, in the shape that all errors share."""
    texts = {"message": error.message, "details": error.details, "hint": error.hint}
    body = {"code": error.code} | {name: _cut(text) for name, text in texts.items()}
    status = status_of(error)
    headers: dict[str, str] = {}
    if isinstance(error, StatementFailed):
        # Whatever status a function's own error has, nobody knows whether it helps to call it again.
        headers |= error.answer[1] if error.answer else {}
    elif status in (429, 503):
        headers["Retry-After"] = str(error.retry_seconds)
    if isinstance(error, RequestRefused) and error.headers:
        headers |= error.headers
    # In ASCII: `details` may name tables, and a terminal obeys some characters that JSON leaves as they are.
    return answer(status, json.dumps(body), cors_origin, headers)


def _cut(text: Details) -> Details:
    return f"{text[:_MOST_TOLD]}…" if isinstance(text, str) and len(text) > _MOST_TOLD else text
