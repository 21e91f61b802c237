"""Called by `make doctor`: says what can be reached from the functions' network, and what time it is there."""

import time
from functools import cache
from typing import Any

from handlers.settings.network import network_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.domain.errors import DependencyFailed
from tenantry.servers.network_probe import probe_network


@cache
def _registry() -> Registry:
    settings = network_settings()
    return Registry(aws_client("dynamodb", settings.region), settings.registry_table)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Try every service and every registered server once; the event says nothing.

    Returns `services` (name to whether it is reached), `servers` (id to a `TlsFinding`), or null where DynamoDB did not
    name them, and `clock`, the seconds since 1970 when the answer was made. There is no address in it.
    """
    try:
        servers = list(_registry().servers())
    except DependencyFailed:
        servers = None
    reach = probe_network(network_settings().region, servers or [])
    return {
        "services": dict(reach.services),
        "servers": None if servers is None else dict(reach.servers),
        "clock": time.time(),
    }
