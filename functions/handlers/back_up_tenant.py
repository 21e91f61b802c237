"""Backs one tenant up to S3, with the rights of that tenant's session."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.config import Config

from handlers.settings.backups import BackupSettings, backup_settings
from tenantry.aws.clients import aws_client
from tenantry.aws.object_store import ObjectStore
from tenantry.aws.registry import Registry
from tenantry.aws.tenant_secrets import TenantSecrets
from tenantry.aws.tenant_session import TenantSession, TenantSessions
from tenantry.backups.dump_stream import BackupTools
from tenantry.backups.progress_store import ProgressStore
from tenantry.backups.reporter import Reporter
from tenantry.backups.take import BackupOrder, Outcome, back_up_tenant
from tenantry.domain.backup import BackupId, new_backup_id
from tenantry.domain.errors import BackupFailed, Conflict, TenantryError, TenantUnknown
from tenantry.domain.residency import BackupBucket
from tenantry.domain.tenant import Tenant, TenantId
from tenantry.fleet.run import RunKind, run_of
from tenantry.fleet.run_store import RunStore
from tenantry.fleet.work import Done, FleetWork
from tenantry.observability import MetricUnit, count, logger, measure
from tenantry.operations.leases import Leases

# Seconds before the function's timeout at which the dump is aborted: enough to abort the upload and report it.
_CLEAN_UP_SECONDS = 20.0
# As long as the function may run: then the lease of a dead worker expires.
_LEASE_SECONDS = 900
# Give up on a progress report that can't be sent quickly.
_PROGRESS_CONFIG = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "max_attempts": 2})


@cache
def _sessions(settings: BackupSettings, bucket: str) -> TenantSessions:
    sts = aws_client("sts", settings.region)
    return TenantSessions(sts, settings.tenant_role_arn, settings.stage, settings.region, bucket)


@cache
def _work(settings: BackupSettings) -> FleetWork:
    leases = Leases(aws_client("dynamodb", settings.region), settings.registry_table, _LEASE_SECONDS)
    runs = RunStore(aws_client("s3", settings.region), settings.buckets.own.name)
    return FleetWork(leases, "backup", "backup_in_progress", runs)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take one backup.

    :param event: `{"tenant_id", "backup_id"?, "trigger"?, "run"?}`; without a backup id, a new one is made. `run` is
        the run over the fleet that collects the outcome.
    :raises Conflict: the tenant is being backed up already (`backup_in_progress`).
    :raises TenantryError: nothing was published. Lambda retries the event, then sends it to the queue of failures.
    """
    order = _order(event)
    started = time.monotonic()
    deadline = started + context.get_remaining_time_in_millis() / 1000 - _CLEAN_UP_SECONDS
    settings, run = backup_settings(), run_of(event, RunKind.BACKUPS)
    try:
        outcome = _work(settings).perform(order.tenant_id, run, lambda: _back_up(order, settings, deadline), _describe)
    except TenantryError as error:
        # A conflict means that another worker takes this backup: nothing has failed.
        if not isinstance(error, Conflict):
            count("BackupsFailed")
        logger().error("backup failed", extra={"code": error.code, "reason": error.message, **_names(order)})
        # What is refused before a report is made would look queued for as long as Lambda may keep a request.
        with suppress(TenantryError):
            _progress(settings).refuse(order.tenant_id, order.backup_id, error.code)
        raise error.without_cause() from None
    _report(order, outcome, time.monotonic() - started)
    return {
        "backup_id": outcome.backup_id.value,
        "manifest": outcome.manifest_key,
        "already_published": outcome.already_published,
    }


def _describe(outcome: Outcome) -> Done:
    return Done(outcome.backup_id.value, outcome.stored_bytes, outcome.already_published)


def _order(event: dict[str, Any]) -> BackupOrder:
    given = event.get("backup_id")
    backup_id = BackupId(str(given)) if given else new_backup_id(datetime.now(UTC))
    return BackupOrder(TenantId(str(event.get("tenant_id"))), backup_id, str(event.get("trigger", "manual")))


def _back_up(order: BackupOrder, settings: BackupSettings, deadline: float) -> Outcome:
    tenant = _tenant(order.tenant_id, settings)
    bucket = _bucket(tenant, settings)
    sessions = _sessions(settings, bucket.name)
    session, secrets = sessions.open(order.tenant_id), _secrets(sessions, settings)
    with Reporter(_progress(settings), order.tenant_id, order.backup_id, order.trigger) as reporter:
        outcome = back_up_tenant(
            order,
            tenant,
            read_credentials=lambda tenant_id: secrets.read(tenant_id, refresh=True),
            read_dump_password=secrets.read_dump_password,
            store=_store(bucket, session, settings.kms_key_of(bucket)),
            tools=BackupTools(
                settings.pg_client_directory, settings.lock_timeout_ms, settings.connect_timeout, settings.stage
            ),
            deadline=deadline,
            meter=reporter.meter,
        )
        reporter.published(outcome.backup_id)
    return outcome


def _progress(settings: BackupSettings) -> ProgressStore:
    return ProgressStore(aws_client("dynamodb", settings.region, config=_PROGRESS_CONFIG), settings.registry_table)


def _store(bucket: BackupBucket, session: TenantSession, kms_key: str) -> ObjectStore:
    return ObjectStore(aws_client("s3", bucket.region, session), bucket.name, kms_key)


def _tenant(tenant_id: TenantId, settings: BackupSettings) -> Tenant:
    tenant = Registry(aws_client("dynamodb", settings.region), settings.registry_table).tenant(tenant_id)
    if tenant is None:
        raise TenantUnknown("There is no such tenant.")
    return tenant


def _bucket(tenant: Tenant, settings: BackupSettings) -> BackupBucket:
    """Choose the bucket that may hold the backup, by the region in the registry: the event is not trusted with it."""
    bucket = settings.buckets.find(tenant.region)
    if bucket is None:
        raise BackupFailed(
            "The tenant's data must not leave its region, and there is no bucket for backups in it.",
            code="residency",
            hint="Make one and name it in the parameter BackupBuckets.",
        )
    return bucket


def _secrets(sessions: TenantSessions, settings: BackupSettings) -> TenantSecrets:
    """Wire the reader of secrets, to be read past its cache: backups are rare, and a stale password would fail one."""

    def new_client(session: TenantSession) -> Any:
        return aws_client("secretsmanager", settings.region, session)

    return TenantSecrets(sessions, new_client, settings.stage)


def _report(order: BackupOrder, outcome: Outcome, seconds: float) -> None:
    if outcome.already_published:
        logger().info("backup was published before", extra=_names(order))
        return
    count("BackupsPublished")
    measure("BackupBytes", outcome.stored_bytes, MetricUnit.Bytes)
    measure("BackupSeconds", seconds, MetricUnit.Seconds)
    facts = {"stored_bytes": outcome.stored_bytes, "rows": outcome.rows}
    if outcome.uncounted:
        count("BackupsUncounted")
        logger().warning("rows not counted", extra={"code": outcome.uncounted, **_names(order)})
    logger().info("backup published", extra={**facts, **_names(order)})


def _names(order: BackupOrder) -> dict[str, str]:
    return {"tenant_id": order.tenant_id.value, "backup_id": order.backup_id.value, "trigger": order.trigger}
