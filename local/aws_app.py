"""ministack's application, with the paths of API calls in the form in which API Gateway passes them on.

API Gateway gives a function its path parameters percent-encoded, as the client wrote them, and splits a path only at
unencoded slashes. ministack sees the path after the server has decoded it.
"""

from typing import Any

from ministack.app import app as aws
from ministack.services import scheduler

from local.lambda_workers import quicken_workers

# Schedules are looked at every ten seconds otherwise.
scheduler._SCHEDULE_TICK_INTERVAL = 1  # noqa: SLF001
quicken_workers()

_API_CALLS = "/_aws/execute-api/"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve one connection of the ASGI server."""
    if scope["type"] == "http" and scope["path"].startswith(_API_CALLS):
        scope = scope | {"path": scope["raw_path"].decode("ascii")}
    await aws(scope, receive, send)
