"""Says in the local API Gateway's events at which address it was called, as AWS's says it.

AWS tells a function the domain, the path with all that stands before the route, and the scheme (`X-Forwarded-Proto`).
ministack tells the path without what leads to the API, and neither of the others.
"""

import functools
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1

API_CALLS = "/_aws/execute-api/"

type Event = dict[str, Any]


def tell_addresses() -> None:
    """Change how this process makes its events."""
    apigateway_v1._build_lambda_event_v1 = _with_address(apigateway_v1._build_lambda_event_v1)  # noqa: SLF001


def _with_address(build: Callable[..., Event]) -> Callable[..., Event]:
    @functools.wraps(build)
    def wrapper(*arguments: Any, **options: Any) -> Event:
        event = build(*arguments, **options)
        context = event["requestContext"]
        hosts = [value for name, value in event["headers"].items() if name.lower() == "host"]
        context["domainName"] = hosts[0] if hosts else "localhost"
        context["path"] = f"{API_CALLS}{context['apiId']}{context['path']}"
        # Whoever calls may have sent one: the gateway's own takes its place.
        for headers, value in (("headers", "http"), ("multiValueHeaders", ["http"])):
            others = {name: each for name, each in event[headers].items() if name.lower() != "x-forwarded-proto"}
            event[headers] = others | {"X-Forwarded-Proto": value}
        return event

    return wrapper
