"""The status and the headers that a function sets for its answer: what they may be, and how they are read.

A statement that changes something checks both itself, so that nothing is changed if the answer can't be sent.
"""

import json
import re
from typing import Final
from urllib.parse import quote

from tenantry.domain.errors import TenantryError

# API Gateway sends 10,240 bytes of headers. The rest is for those of every answer (`gateway_answers`) and its own.
MOST_SENT_BYTES: Final = 9_000
MAX_HEADERS_BYTES: Final = 8_000
# What those and a Location may take together; what else is told of rows takes less than the rest.
MAX_WITH_LOCATION: Final = 8_300
# Between a header's name and its value, and behind it.
_PUNCTUATION = len(": \r\n")
# For PostgreSQL and Python, without quotes, so that they can stand in SQL. Headers are an array of objects with one
# member each, whose value is a text without control characters and without half a surrogate pair. A status is that of
# an answer which no other follows.
STATUS_PATTERN: Final = "^[2-5][0-9][0-9]$"
_QUOTE = r"\u0022"
_BLANK = r"[ \t\r\n]*"
_ESCAPE = rf"\\[{_QUOTE}\\/]|\\u(?!00[0189]|007[fF]|[dD][89a-fA-F])[0-9a-fA-F]{{4}}"
_TEXT = rf"{_QUOTE}([^{_QUOTE}\\\u0001-\u001f\u007f-\u009f]|{_ESCAPE})*{_QUOTE}"
_NAME = r"[A-Za-z0-9_-]+"
_MEMBER = rf"\{{{_BLANK}{_QUOTE}{_NAME}{_QUOTE}{_BLANK}:{_BLANK}{_TEXT}{_BLANK}\}}"
HEADERS_PATTERN: Final = rf"^{_BLANK}\[{_BLANK}({_MEMBER}({_BLANK},{_BLANK}{_MEMBER})*)?{_BLANK}\]{_BLANK}$"

_PLAIN = "".join(map(chr, range(0x20, 0x7F)))
# Headers that a tenant's function may not set: they belong to the gateway or to us.
_OWN_HEADERS = ("access-control-", "content-length", "transfer-encoding", "connection", "x-amz")
_is_name = re.compile(_NAME).fullmatch
_is_value = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*").fullmatch
_are_headers = re.compile(HEADERS_PATTERN).match
_is_status = re.compile(STATUS_PATTERN).fullmatch

# A header's value, or its values where it is sent more than once. A name is always written in the same way.
type Headers = dict[str, str | list[str]]


def read_headers(text: str) -> Headers:
    """Read the headers of a function; a name that is given again has several values.

    :raises TenantryError: with PGRST111, they are malformed.
    """
    if len(text.encode()) > MAX_HEADERS_BYTES or not _are_headers(text):
        raise malformed_headers()
    found: dict[str, list[str]] = {}
    for each in json.loads(text):
        for name, value in each.items():
            if may_tell(name, value):
                found.setdefault(header_name(name), []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def sent_bytes(headers: Headers) -> int:
    """Count the bytes that headers take in an answer."""
    return sum(
        len(name) + len(each.encode()) + _PUNCTUATION
        for name, value in headers.items()
        for each in ([value] if isinstance(value, str) else value)
    )


def read_status(text: str) -> int:
    """Read the status of a function. :raises TenantryError: with PGRST112, it is none."""
    if not _is_status(text):
        raise malformed_status()
    return int(text)


def may_tell(name: str, value: object) -> bool:
    """Whether a tenant's function may set this header: it is well-formed, and neither the gateway's nor ours."""
    is_header = _is_name(name) and isinstance(value, str) and _is_value(value)
    return bool(is_header) and not name.lower().startswith(_OWN_HEADERS)


def header_name(name: str) -> str:
    """Write a header's name as we write ours, so that it takes the place of one of ours, in whatever case it came."""
    return "-".join(part.capitalize() for part in name.split("-"))


def profile_header(schema: str) -> dict[str, str]:
    """Name a schema in a header, percent-encoded but for what any header may have: a name may have a line break."""
    return {"Content-Profile": quote(schema, safe=_PLAIN)}


def malformed_headers() -> TenantryError:
    """Build the error for headers that can't be sent; nothing was changed."""
    message = "response.headers guc must be a JSON array composed of objects with a single key and a string value"
    return TenantryError(message, code="PGRST111")


def malformed_status() -> TenantryError:
    """Build the error for a status that is none; nothing was changed."""
    return TenantryError("response.status guc must be a valid status code", code="PGRST112")
