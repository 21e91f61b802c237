"""ministack's application, with the paths of API calls as API Gateway hands them on.

The real one gives a function its path parameters as the client has written them, percent-encoded, and takes a path
apart at the slashes that are written as such. ministack sees the path that the server has decoded.
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
