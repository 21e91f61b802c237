"""Reads API Gateway's events."""

import base64
import binascii
import json
import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.errors import AccessDenied, BadRequest, PayloadTooLarge, Unauthenticated
from tenantry.domain.tenant import Caller, Role, TenantId, check_served


def caller_of(event: dict[str, Any]) -> Caller:
    """Read the caller from the authorizer's context, the only place where a request names a tenant.

    :raises Unauthenticated: the context is missing or malformed.
    :raises TenantSuspended, TenantUnknown, AccessDenied: the tenant or the role is not served.
    """
    context = event.get("requestContext", {}).get("authorizer") or {}
    try:
        # The authorizer says what the data API offers where it is not the default.
        data_api = str(context.get("dataApi", "{}"))
        identity = (context["tenantId"], context["userId"], context["role"], context["claims"])
        is_behind = "schemaBehind" in context
        caller = _caller(*identity, data_api, over_quota="overQuota" in context, is_behind=is_behind)
    except (KeyError, ValueError, BadRequest) as exc:
        raise Unauthenticated() from exc
    check_served(context.get("tenantStatus", ""))
    if caller.role is Role.OPERATOR:
        raise AccessDenied("An operator has no rows of their own.", hint="Sign in as a user of the tenant.")
    return caller


@lru_cache(maxsize=64)
def _caller(
    tenant_id: str, user_id: str, role: str, claims: str, data_api: str, *, over_quota: bool, is_behind: bool
) -> Caller:
    """Make a caller of all that tells one from another: whoever calls again has not to be checked letter by letter."""
    settings = DataApiSettings.from_context(data_api)
    return Caller(TenantId(tenant_id), user_id, Role(role), claims, settings, over_quota, is_behind)


def operator_of(event: dict[str, Any]) -> str:
    """Read the operator's user id from the authorizer's context.

    :raises AccessDenied: the caller is not an operator.
    """
    context = event.get("requestContext", {}).get("authorizer") or {}
    if context.get("role") != Role.OPERATOR or not context.get("userId"):
        raise AccessDenied("Only an operator may do this.", hint="Sign in as an operator.")
    return str(context["userId"])


def header(event: dict[str, Any], name: str) -> str:
    """Read a header, whatever its case; several of one name are joined by commas."""
    return headers_of(event).get(name, "")


def headers_of(event: dict[str, Any]) -> dict[str, str]:
    """Give all headers by their names in lower case; several of one name are joined by commas.

    :raises BadRequest: one is no text that can be written as UTF-8.
    """
    headers = event.get("multiValueHeaders") or {}
    return {name.lower(): _text(",".join(values)) for name, values in headers.items()}


def query_of(event: dict[str, Any]) -> dict[str, list[str]]:
    """Give the parameters of the query, which are decoded, each with all its values.

    :raises BadRequest: one is no text that can be written as UTF-8.
    """
    query: dict[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    for name, values in query.items():
        _text(name)
        for value in values:
            _text(value)
    return query


def path_parameter(event: dict[str, Any], name: str) -> str | None:
    """Read and decode a path parameter: API Gateway passes it percent-encoded, unlike a query parameter.

    :raises BadRequest: the parameter is not UTF-8.
    """
    written = (event.get("pathParameters") or {}).get(name)
    try:
        return None if written is None else _text(unquote(written, errors="strict"))
    except UnicodeDecodeError as exc:
        raise _no_text() from exc


def _text(text: str) -> str:
    """Refuse half a surrogate pair: JSON can have one, and neither UTF-8 nor PostgreSQL can."""
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as exc:
        raise _no_text() from exc
    return text


def _no_text() -> BadRequest:
    return BadRequest("The URL, or a header, is not UTF-8 text.", code="PGRST100")


# A policy may look at a request's headers. It gets no credentials, and nothing that says where we run.
_NOT_TOLD = ("host", "via", "x-amz", "x-forwarded", "cloudfront")
# Wherever in its name: what one might sign in with elsewhere.
_is_secret = re.compile(
    "auth(?!ors?(?:-|$))|api.?key|access.?key|cookie|credential|csrf|jwt|passw|private|secret|session|signature|token|xsrf"
).search
_MAX_TOLD = 8_000


def told_headers(headers: dict[str, str]) -> str:
    """Write those of a request's headers, by `headers_of`, that a tenant's database is told of as a JSON object."""
    # Left out before anything is kept: a credential must not outlive its request.
    return _written(tuple([(name, value) for name, value in headers.items() if _may_be_told(name)]))


@lru_cache(maxsize=256)
def _may_be_told(name: str) -> bool:
    return not name.startswith(_NOT_TOLD) and not _is_secret(name)


@lru_cache(maxsize=64)
def _written(told: tuple[tuple[str, str], ...]) -> str:
    text = json.dumps(dict(told), ensure_ascii=False)
    # Never nothing: a function of the tenant's may have left another's in the session.
    return text if len(text) <= _MAX_TOLD and "\0" not in text else "{}"


def body_of(event: dict[str, Any], max_bytes: int) -> bytes | None:
    """Read the body's bytes.

    :raises PayloadTooLarge: the body has more than `max_bytes`.
    :raises BadRequest: the event's body is no text, or not what Base64 is.
    """
    body: str | None = event.get("body")
    if body is None:
        return None
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeError) as exc:
        raise BadRequest("The body is not UTF-8 text.", code="PGRST102") from exc
    if len(raw) > max_bytes:
        raise PayloadTooLarge(f"The body has more than {max_bytes} bytes.", hint="Send fewer rows at a time.")
    return raw
