"""ministack's application, with API calls in the form in which API Gateway passes them on.

API Gateway gives a function its path parameters percent-encoded, as the client wrote them, and splits a path only at
unencoded slashes. ministack sees the path after the server has decoded it.

API Gateway takes a body without Content-Type for JSON, and passes its bytes on in Base64 as those of any other type.
ministack would read it as text, with other characters in place of those that are no UTF-8.
"""

from typing import Any

from ministack.app import app as aws
from ministack.services import scheduler

from local.gateway_events import API_CALLS, tell_addresses
from local.gateway_updates import overwrite_definitions
from local.lambda_workers import quicken_workers

# Schedules are looked at every ten seconds otherwise.
scheduler._SCHEDULE_TICK_INTERVAL = 1  # noqa: SLF001
quicken_workers()
tell_addresses()
overwrite_definitions()


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve one connection of the ASGI server."""
    if scope["type"] == "http" and scope["path"].startswith(API_CALLS):
        scope = scope | {"path": scope["raw_path"].decode("ascii"), "headers": _with_type(scope["headers"])}
    await aws(scope, receive, send)


def _with_type(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add the type that a body has where none is named."""
    headers = list(headers)
    if not any(name == b"content-type" and value.strip() for name, value in headers):
        headers.append((b"content-type", b"application/json"))
    return headers
