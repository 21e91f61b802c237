"""Restores one backup into a scratch database, compares it with its manifest, and stores the verification."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from handlers.settings.backups import drill_settings
from handlers.wiring.backups import backup_catalogue
from handlers.wiring.relocations import Deadline
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import ServerSecrets
from tenantry.database.client_environment import CopyTools
from tenantry.domain.backup import BackupId
from tenantry.domain.errors import TenantryError
from tenantry.domain.tenant import TenantId
from tenantry.domain.ulid import new_ulid
from tenantry.domain.verification import Verification
from tenantry.fleet.run import RunKind, run_of
from tenantry.fleet.run_store import RunStore
from tenantry.fleet.work import Done, FleetWork
from tenantry.observability import MetricUnit, count, logger, measure
from tenantry.operations.leases import TENANT_LEASE, Leases
from tenantry.restores.archive.source import ArchiveSource
from tenantry.restores.drills.drill import DrillAdapters, DrillOrder, Drills
from tenantry.restores.drills.verification_store import VerificationStore
from tenantry.restores.scratch import ScratchRestorer
from tenantry.servers.servers import Servers

# As long as the function may run: then the lease of a dead worker expires.
_LEASE_SECONDS = 900
_deadline = Deadline()


@cache
def _wired() -> tuple[FleetWork, Drills, Servers]:
    settings = drill_settings()
    dynamodb = aws_client("dynamodb", settings.region)
    registry = Registry(dynamodb, settings.registry_table)
    servers = Servers(registry, ServerSecrets(aws_client("secretsmanager", settings.region), settings.stage))
    clients = {bucket.name: aws_client("s3", bucket.region) for bucket in settings.buckets.all()}
    tools = CopyTools(settings.pg_client_directory, settings.connect_timeout, settings.lock_timeout_ms)
    leases = Leases(dynamodb, settings.registry_table, _LEASE_SECONDS)
    adapters = DrillAdapters(
        registry=registry,
        servers=servers,
        catalogue=backup_catalogue(settings.buckets),
        verifications=VerificationStore(clients),
        restorer=ScratchRestorer(servers, ArchiveSource(clients), tools, _deadline),
        leases=leases,
    )
    own = settings.buckets.own
    # The lease on the tenant keeps a drill from overlapping a restore, a move or a rename.
    work = FleetWork(leases, TENANT_LEASE, "operation_in_progress", RunStore(clients[own.name], own.name))
    return work, Drills(adapters), servers


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Drill one backup.

    :param event: `{"tenant_id", "backup_id", "run"?}`.
    :raises TenantryError: the drill has no result, and left nothing behind.
    """
    tenant_id, backup_id = TenantId(str(event.get("tenant_id"))), BackupId(str(event.get("backup_id")))
    run = run_of(event, RunKind.DRILLS)
    order = DrillOrder(tenant_id, backup_id, run.ulid if run else new_ulid(datetime.now(UTC)))
    names = {"tenant_id": tenant_id.value, "backup_id": backup_id.value}
    _deadline.begin(context)
    try:
        work, drills, servers = _wired()
        servers.begin()
        verification, was_there = work.perform(tenant_id, run, lambda: drills.drill(order), _describe)
    except TenantryError as error:
        logger().error("drill failed", extra={"code": error.code, "reason": error.message, **names})
        raise error.without_cause() from None
    if not was_there:
        _report(verification, names)
    return {**names, "passed": verification.passed, "was_there": was_there}


def _describe(found: tuple[Verification, bool]) -> Done:
    verification, was_there = found
    return Done(verification.backup_id, verification.restored_bytes, was_there)


def _report(verification: Verification, names: dict[str, str]) -> None:
    count("BackupsVerified" if verification.passed else "BackupsNotVerified")
    measure("RestoreSeconds", verification.seconds, MetricUnit.Seconds)
    facts: dict[str, Any] = {
        "passed": verification.passed,
        "seconds": verification.seconds,
        "rows": verification.rows,
    }
    if verification.uncounted:
        facts["uncounted"] = verification.uncounted
    if verification.limited:
        facts["limited"] = True
    if verification.differing:
        facts["differing"] = len(verification.differing)
    write = logger().info if verification.passed else logger().error
    if verification.left_behind:
        facts["left_behind"] = verification.left_behind
        count("ScratchDatabasesLeft")
    write("backup drilled", extra=facts | names)
