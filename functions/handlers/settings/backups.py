"""The settings of the handlers that plan, take, list, drill, watch and delete backups."""

from dataclasses import dataclass

from handlers.settings.environment import number, reader, text
from handlers.settings.storage import backup_buckets, retention_policy
from tenantry.domain.residency import BackupBucket, BackupBuckets
from tenantry.domain.retention_policy import RetentionPolicy


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The settings of plan_backups. The window is in hours of the day, in `timezone`.

    `at_once` is the default for servers without their own number.
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
    """The settings of summarise_run: the percentage of failures with which a run still counts as good."""

    region: str = text("AWS_REGION")
    bucket: str = text("BACKUP_BUCKET")
    tolerated_percentage: int = number("TOLERATED_FAILURE_PERCENTAGE", 0)


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """The settings of watch_backups and plan_drills, which read each tenant's history from the buckets.

    `drills_at_once` is how many backups are restored on one server at the same time.
    """

    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    bucket: str = text("BACKUP_BUCKET")
    buckets: BackupBuckets = backup_buckets()
    drills_at_once: int = number("DRILLS_AT_ONCE", 1)


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """The settings of drill_backup; the timeout to connect is in seconds, the one for locks in milliseconds."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    buckets: BackupBuckets = backup_buckets()
    pg_client_directory: str = text("PG_CLIENT_DIRECTORY", "/opt/bin")
    connect_timeout: int = number("CONNECT_TIMEOUT_SECONDS", 10)
    lock_timeout_ms: int = number("LOCK_TIMEOUT_MS", 10_000)


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """The settings of back_up_tenant. `kms_key` is the ARN of the stack's bucket's key; empty means S3's encryption."""

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
        """Return the key to encrypt with; empty for a bucket of another region, which has its own default."""
        return self.kms_key if bucket == self.buckets.own else ""


@dataclass(frozen=True, slots=True)
class ManageSettings:
    """The settings of manage_backups."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    reader_role_arn: str = text("BACKUP_READER_ROLE_ARN")
    backup_function_arn: str = text("BACKUP_FUNCTION_ARN")
    cors_origin: str = text("CORS_ORIGIN", "*")
    buckets: BackupBuckets = backup_buckets()
    audit_retention_days: int = number("AUDIT_RETENTION_DAYS", 0)


@dataclass(frozen=True, slots=True)
class RetentionScheduleSettings:
    """The settings of schedule_retention. `mode` is ENABLED, DRY_RUN or DISABLED.

    `at_once` is how many tenants of the fleet are worked on at the same time.
    """

    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    bucket: str = text("BACKUP_BUCKET")
    # By default, nothing is deleted.
    mode: str = text("RETENTION_MODE", "DRY_RUN")
    at_once: int = number("RETENTIONS_AT_ONCE", 4)


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """The settings of retain_backups: `mode` as above, and the policy of tenants without their own."""

    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    bucket: str = text("BACKUP_BUCKET")
    buckets: BackupBuckets = backup_buckets()
    retention: RetentionPolicy = retention_policy()
    mode: str = text("RETENTION_MODE", "DRY_RUN")
    operation_retention_days: int = number("OPERATION_RETENTION_DAYS", 400)


plan_settings = reader(PlanSettings)
run_settings = reader(RunSettings)
history_settings = reader(HistorySettings)
drill_settings = reader(DrillSettings)
backup_settings = reader(BackupSettings)
manage_settings = reader(ManageSettings)
retention_schedule_settings = reader(RetentionScheduleSettings)
retention_settings = reader(RetentionSettings)
