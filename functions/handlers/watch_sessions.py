"""Runs every minute: ends tenants' sessions that stop others, and marks tenants that use more disk than they may.

Metrics and the log report what it finds.
"""

from functools import cache
from typing import Any

from handlers.settings.sessions import session_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.patience import Patience
from tenantry.observability import count, logger
from tenantry.servers.quota_watch import QuotaWatch
from tenantry.servers.servers import Servers
from tenantry.servers.session_watch import SessionWatch, WatchLimits

# Measuring need not wait for the locks of others.
_NO_PATIENCE = Patience(0)


@cache
def _watch() -> SessionWatch:
    settings = session_settings()
    registry = Registry(aws_client("dynamodb", settings.region), settings.registry_table)
    servers = Servers(registry, ServerSecrets(aws_client("secretsmanager", settings.region), settings.stage))
    return SessionWatch(servers, WatchLimits(lock_seconds=settings.lock_holder_seconds))


@cache
def _quotas() -> QuotaWatch:
    settings = session_settings()
    registry = Registry(aws_client("dynamodb", settings.region), settings.registry_table)
    secrets = ServerSecrets(aws_client("secretsmanager", settings.region), settings.stage)
    return QuotaWatch(registry, Servers(registry, secrets, _NO_PATIENCE))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Watch every server once.

    :raises TenantryError: the registry did not answer; the next run is a minute later.
    """
    report = _watch().run()
    for session in report.ended:
        logger().warning("a session that stopped others was ended", extra=session._asdict())
    if report.lifted:
        logger().warning("limits of connections left no room for backups", extra={"databases": report.lifted})
        count("ConnectionLimitsLifted", len(report.lifted))
    count("SessionsEnded", len(report.ended))
    count("ServersUnwatched", len(report.unwatched))
    if report.unwatched:
        logger().error("servers could not be watched", extra={"servers": report.unwatched})
    return {
        "servers": report.servers,
        "ended": report.by_reason(),
        "unwatched": report.unwatched,
        "quotas": _look_at_quotas(),
    }


def _look_at_quotas() -> dict[str, Any]:
    report = _quotas().run()
    for use in report.over:
        logger().warning("a tenant takes up more than it may, and nothing more is taken in", extra=use._asdict())
    for use in report.near:
        logger().warning("a tenant takes up nearly as much as it may", extra=use._asdict())
    if report.measured or report.unmeasured:
        count("TenantsOverQuota", len(report.over))
        count("TenantsNearQuota", len(report.near))
        count("TenantsUnmeasured", len(report.unmeasured))
    if report.unmeasured:
        logger().error("tenants could not be measured", extra={"tenants": report.unmeasured})
    return {"measured": report.measured, "over": len(report.over), "near": len(report.near)}
