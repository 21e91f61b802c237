"""Started every minute: ends the sessions of tenants that stop others on their servers, and says so in metrics."""

from functools import cache
from typing import Any

from handlers.settings.sessions import session_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.observability import count, logger
from tenantry.servers.servers import Servers
from tenantry.servers.session_watch import SessionWatch, WatchLimits


@cache
def _watch() -> SessionWatch:
    settings = session_settings()
    registry = Registry(aws_client("dynamodb", settings.region), settings.registry_table)
    servers = Servers(registry, ServerSecrets(aws_client("secretsmanager", settings.region), settings.stage))
    return SessionWatch(servers, WatchLimits(lock_seconds=settings.lock_holder_seconds))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at every server once.

    :raises TenantryError: the registry did not answer; the next minute comes.
    """
    report = _watch().run()
    for session in report.ended:
        logger().warning("a session that stopped others was ended", extra=session._asdict())
    count("SessionsEnded", len(report.ended))
    count("ServersUnwatched", len(report.unwatched))
    if report.unwatched:
        logger().error("servers could not be watched", extra={"servers": report.unwatched})
    return {"servers": report.servers, "ended": report.by_reason(), "unwatched": report.unwatched}
