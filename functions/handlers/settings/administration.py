"""The settings of administer_tenants."""

from dataclasses import dataclass

from handlers.settings.environment import computed, number, read_number, reader, text
from handlers.settings.storage import backup_buckets, retention_policy
from tenantry.domain.residency import BackupBuckets
from tenantry.domain.retention_policy import RetentionPolicy

# An AWS account's default, for functions without reserved concurrency.
_ACCOUNT_CONCURRENCY = 1000


def _query_concurrency() -> int:
    return read_number("QUERY_CONCURRENCY", 0) or _ACCOUNT_CONCURRENCY


@dataclass(frozen=True, slots=True)
class AdministrationSettings:
    """The settings of administer_tenants. `user_pool_id` is empty if another issuer keeps the users."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    user_pool_id: str = text("USER_POOL_ID", "")
    cors_origin: str = text("CORS_ORIGIN", "*")
    max_body_bytes: int = number("MAX_BODY_BYTES", 100_000)
    operation_function_arn: str = text("OPERATION_FUNCTION_ARN")
    timer_role_arn: str = text("TIMER_ROLE_ARN")
    rotation_function_arn: str = text("ROTATION_FUNCTION_ARN", "")
    lock_wait_seconds: int = number("LOCK_WAIT_SECONDS", 15)
    query_concurrency: int = computed(_query_concurrency)
    connections_per_environment: int = number("MAX_CONNECTIONS", 8)
    buckets: BackupBuckets = backup_buckets("")
    retention: RetentionPolicy = retention_policy()
    reader_role_arn: str = text("BACKUP_READER_ROLE_ARN", "")
    backup_function_arn: str = text("BACKUP_FUNCTION_ARN", "")
    rollout_machine_arn: str = text("ROLLOUT_MACHINE_ARN", "")
    operation_retention_days: int = number("OPERATION_RETENTION_DAYS", 400)
    # 0 is for ever.
    audit_retention_days: int = number("AUDIT_RETENTION_DAYS", 0)


administration_settings = reader(AdministrationSettings)
