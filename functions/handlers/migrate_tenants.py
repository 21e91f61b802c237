"""Migrates one slice of a rollout: homes of one server, each as a login that may be its tenant's owner and no more."""

import math
from functools import cache
from typing import Any

from handlers.settings.rollouts import MigrationSettings, migration_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.function_invocation import FunctionInvoker
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.backups.progress_store import ProgressStore
from tenantry.backups.requests import BackupRequests
from tenantry.domain.patience import Patience
from tenantry.observability import count, logger
from tenantry.operations.leases import Leases
from tenantry.revisions.history import History
from tenantry.revisions.rendering import RenderedHistory
from tenantry.rollouts.backups_first import BackupsFirst
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.migrating import Tools, migrate_slice
from tenantry.rollouts.places import Places
from tenantry.rollouts.rollout_store import RolloutStore
from tenantry.rollouts.safety import Safety
from tenantry.rollouts.slices import slice_from
from tenantry.servers.servers import Servers

# As long as the function may run: then the lease of a dead worker expires.
_LEASE_SECONDS = 900


@cache
def _wired() -> tuple[Tools, Servers]:
    settings = migration_settings()
    dynamodb, table = aws_client("dynamodb", settings.region), settings.registry_table
    registry, progress = Registry(dynamodb, table), ProgressStore(dynamodb, table)
    secrets = ServerSecrets(aws_client("secretsmanager", settings.region), settings.stage)
    servers = Servers(registry, secrets, Patience(settings.lock_wait_seconds))
    tools = Tools(
        places=Places(registry, servers),
        leases=Leases(dynamodb, table, _LEASE_SECONDS),
        rollouts=RolloutStore(dynamodb, table),
        ledger=Ledger(dynamodb, table),
        backups=BackupsFirst(progress, BackupRequests(registry, progress, _backups(settings))),
        sizes=Safety.of_this_code().sizes(),
    )
    return tools, servers


@cache
def _scripts() -> RenderedHistory:
    return RenderedHistory(History())


def _backups(settings: MigrationSettings) -> FunctionInvoker:
    return FunctionInvoker(aws_client("lambda", settings.region), settings.backup_function_arn)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Migrate what is due in a slice, as long as there is time.

    :param event: `{"rollout_id", "execution", "server_id", "part", "parts"}`.
    :raises DependencyFailed: the registry did not answer. What failed in a home is in the ledger.
    """
    order = slice_from(event)
    tools, servers = _wired()
    servers.begin()

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000 if context else math.inf

    settled = migrate_slice(order, tools, _scripts(), seconds_left)
    count("HomesMigrated", settled)
    logger().info("slice migrated", extra={**order.to_json(), "settled": settled})
    return {"settled": settled}
