"""What the handlers around backups are told: those that plan, take, list, drill and watch them."""

from dataclasses import dataclass

from handlers.settings.environment import number, reader, text
from handlers.settings.storage import backup_buckets
from tenantry.domain.residency import BackupBucket, BackupBuckets


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """Of plan_backups. The window is in hours of the day, in that time zone.

    `at_once` is for servers that have no number of their own.
    """

    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    bucket: str = text("BACKUP_BUCKET")
    timezone: str = text("BACKUP_TIMEZONE", "UTC")
    window_start: int = number("BACKUP_WINDOW_START", 1)
    window_hours: int = number("BACKUP_WINDOW_HOURS", 4)
    at_once: int = number("BACKUPS_AT_ONCE", 4)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Of summarise_run: with how many failures, in percent, a run is still a good one."""

    region: str = text("AWS_REGION")
    bucket: str = text("BACKUP_BUCKET")
    tolerated_percentage: int = number("TOLERATED_FAILURE_PERCENTAGE", 0)


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Of watch_backups and plan_drills, which read what the buckets have of each tenant.

    `drills_at_once` is how many backups are restored on one server at the same time.
    """

    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    bucket: str = text("BACKUP_BUCKET")
    buckets: BackupBuckets = backup_buckets()
    drills_at_once: int = number("DRILLS_AT_ONCE", 1)


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """Of drill_backup; times in seconds to connect, in milliseconds to wait for a lock."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    buckets: BackupBuckets = backup_buckets()
    pg_client_directory: str = text("PG_CLIENT_DIRECTORY", "/opt/bin")
    connect_timeout: int = number("CONNECT_TIMEOUT_SECONDS", 10)
    lock_timeout_ms: int = number("LOCK_TIMEOUT_MS", 10_000)


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Of back_up_tenant. `kms_key` is the ARN of the key for the stack's own bucket; empty: S3's own encryption."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    tenant_role_arn: str = text("TENANT_ROLE_ARN")
    registry_table: str = text("REGISTRY_TABLE")
    buckets: BackupBuckets = backup_buckets()
    pg_client_directory: str = text("PG_CLIENT_DIRECTORY", "/opt/bin")
    connect_timeout: int = number("CONNECT_TIMEOUT_SECONDS", 10)
    lock_timeout_ms: int = number("LOCK_TIMEOUT_MS", 60_000)
    kms_key: str = text("BACKUP_KMS_KEY_ARN", "")

    def kms_key_of(self, bucket: BackupBucket) -> str:
        """Name the key to encrypt under: a bucket of another region has a default of its own."""
        return self.kms_key if bucket == self.buckets.own else ""


@dataclass(frozen=True, slots=True)
class ManageSettings:
    """Of manage_backups."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    reader_role_arn: str = text("BACKUP_READER_ROLE_ARN")
    backup_function_arn: str = text("BACKUP_FUNCTION_ARN")
    cors_origin: str = text("CORS_ORIGIN", "*")
    buckets: BackupBuckets = backup_buckets()


@dataclass(frozen=True, slots=True)
class RetentionScheduleSettings:
    """Of schedule_retention. `mode` is ENABLED, DRY_RUN or DISABLED."""

    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    operation_function_arn: str = text("OPERATION_FUNCTION_ARN")
    # Where nothing is said, nothing is deleted.
    mode: str = text("RETENTION_MODE", "DRY_RUN")


plan_settings = reader(PlanSettings)
run_settings = reader(RunSettings)
history_settings = reader(HistorySettings)
drill_settings = reader(DrillSettings)
backup_settings = reader(BackupSettings)
manage_settings = reader(ManageSettings)
retention_schedule_settings = reader(RetentionScheduleSettings)
