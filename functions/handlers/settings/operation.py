"""The settings of perform_operation."""

from dataclasses import dataclass

from handlers.settings.environment import number, reader, text
from handlers.settings.storage import backup_buckets, retention_policy
from tenantry.domain.residency import BackupBuckets
from tenantry.domain.retention_policy import RetentionPolicy


@dataclass(frozen=True, slots=True)
class OperationSettings:
    """The settings of perform_operation. `price_file` is a key in the bucket; empty means the project's own prices."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    user_pool_id: str = text("USER_POOL_ID", "")
    bucket: str = text("BACKUP_BUCKET")
    buckets: BackupBuckets = backup_buckets()
    max_secret_age_days: int = number("MAX_SECRET_AGE_DAYS", 45)
    price_file: str = text("PRICE_FILE", "")
    rotation_function_arn: str = text("ROTATION_FUNCTION_ARN", "")
    pg_client_directory: str = text("PG_CLIENT_DIRECTORY", "/opt/bin")
    connect_timeout: int = number("CONNECT_TIMEOUT_SECONDS", 10)
    lock_timeout_ms: int = number("LOCK_TIMEOUT_MS", 10_000)
    lock_wait_seconds: int = number("LOCK_WAIT_SECONDS", 15)
    retention: RetentionPolicy = retention_policy()
    retention_mode: str = text("RETENTION_MODE", "DRY_RUN")
    operation_retention_days: int = number("OPERATION_RETENTION_DAYS", 400)


operation_settings = reader(OperationSettings)
