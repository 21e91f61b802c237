"""One frozen model per handler, read from the environment on first use."""

import os
from dataclasses import dataclass
from functools import cache

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.residency import BackupBucket, BackupBuckets, parse_buckets
from tenantry.domain.retention_policy import RetentionPolicy, parse_policy


def _text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "").strip() or default
    if value is None:
        raise InvalidSetting(f"The environment variable {name} is not set.")
    return value


def _number(name: str, default: int) -> int:
    value = _text(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise InvalidSetting(f"The environment variable {name} must be a whole number.")
    return int(value)


def _buckets(own: str) -> BackupBuckets:
    return parse_buckets(BackupBucket(_text("AWS_REGION"), own), _text("BACKUP_BUCKETS", ""), _text("STAGE"))


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """Of get_health."""

    cors_origin: str


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """Of query_tenant. Ages and times in seconds unless the name says otherwise."""

    stage: str
    region: str
    tenant_role_arn: str
    per_tenant_compute: bool
    cors_origin: str
    max_connections: int
    connection_age: int
    secret_age: int
    catalogue_age: int
    connect_timeout: int
    statement_timeout_ms: int
    max_rows: int
    max_body_bytes: int
    max_answer_bytes: int


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    """Of authorize_request. `jwks_url` is empty where the issuer's discovery document names it."""

    issuer: str
    audience: str
    jwks_url: str
    token_use: str
    tenant_claim: str
    role_claim: str
    region: str
    registry_table: str


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """Of plan_backups. The window is in hours of the day, in that time zone.

    `at_once` is for servers that have no number of their own.
    """

    region: str
    registry_table: str
    bucket: str
    timezone: str
    window_start: int
    window_hours: int
    at_once: int


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Of summarise_run: with how many failures, in percent, a run is still a good one."""

    region: str
    bucket: str
    tolerated_percentage: int


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Of watch_backups and plan_drills, which read what the buckets have of each tenant.

    `drills_at_once` is how many backups are restored on one server at the same time.
    """

    region: str
    registry_table: str
    bucket: str
    buckets: BackupBuckets
    drills_at_once: int


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """Of drill_backup; times in seconds to connect, in milliseconds to wait for a lock."""

    stage: str
    region: str
    registry_table: str
    buckets: BackupBuckets
    pg_client_directory: str
    connect_timeout: int
    lock_timeout_ms: int


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Of back_up_tenant. `kms_key` is the ARN of the key for the stack's own bucket; empty: S3's own encryption."""

    stage: str
    region: str
    tenant_role_arn: str
    registry_table: str
    buckets: BackupBuckets
    pg_client_directory: str
    connect_timeout: int
    lock_timeout_ms: int
    kms_key: str

    def kms_key_of(self, bucket: BackupBucket) -> str:
        """Name the key to encrypt under: a bucket of another region has a default of its own."""
        return self.kms_key if bucket == self.buckets.own else ""


@dataclass(frozen=True, slots=True)
class ManageSettings:
    """Of manage_backups."""

    stage: str
    region: str
    registry_table: str
    reader_role_arn: str
    backup_function_arn: str
    cors_origin: str
    buckets: BackupBuckets


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """Of rotate_credentials; `connect_timeout` in seconds."""

    stage: str
    region: str
    registry_table: str
    connect_timeout: int


@dataclass(frozen=True, slots=True)
class AdministrationSettings:
    """Of administer_tenants. `user_pool_id` is empty where another issuer keeps the users."""

    stage: str
    region: str
    registry_table: str
    user_pool_id: str
    cors_origin: str
    max_body_bytes: int
    operation_function_arn: str
    timer_role_arn: str
    rotation_function_arn: str
    query_concurrency: int
    connections_per_environment: int
    buckets: BackupBuckets
    retention: RetentionPolicy
    reader_role_arn: str
    backup_function_arn: str


@dataclass(frozen=True, slots=True)
class OperationSettings:
    """Of perform_operation. `price_file` is a key in the bucket, empty for the project's own prices."""

    stage: str
    region: str
    registry_table: str
    user_pool_id: str
    bucket: str
    buckets: BackupBuckets
    max_secret_age_days: int
    price_file: str
    rotation_function_arn: str
    pg_client_directory: str
    connect_timeout: int
    lock_timeout_ms: int
    retention: RetentionPolicy


@dataclass(frozen=True, slots=True)
class RetentionScheduleSettings:
    """Of schedule_retention. `mode` is ENABLED, DRY_RUN or DISABLED."""

    region: str
    registry_table: str
    operation_function_arn: str
    mode: str


@cache
def retention_schedule_settings() -> RetentionScheduleSettings:
    """Read the settings of schedule_retention.

    :raises InvalidSetting: one is missing.
    """
    return RetentionScheduleSettings(
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
        operation_function_arn=_text("OPERATION_FUNCTION_ARN"),
        # Where nothing is said, nothing is deleted.
        mode=_text("RETENTION_MODE", "DRY_RUN"),
    )


@cache
def operation_settings() -> OperationSettings:
    """Read the settings of perform_operation.

    :raises InvalidSetting: one is missing.
    """
    return OperationSettings(
        stage=_text("STAGE"),
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
        user_pool_id=_text("USER_POOL_ID", ""),
        bucket=_text("BACKUP_BUCKET"),
        buckets=_buckets(_text("BACKUP_BUCKET")),
        max_secret_age_days=_number("MAX_SECRET_AGE_DAYS", 45),
        price_file=_text("PRICE_FILE", ""),
        rotation_function_arn=_text("ROTATION_FUNCTION_ARN", ""),
        pg_client_directory=_text("PG_CLIENT_DIRECTORY", "/opt/bin"),
        connect_timeout=_number("CONNECT_TIMEOUT_SECONDS", 10),
        lock_timeout_ms=_number("LOCK_TIMEOUT_MS", 10_000),
        retention=parse_policy(_text("RETENTION", "")),
    )


@cache
def health_settings() -> HealthSettings:
    """Read the settings of get_health."""
    return HealthSettings(cors_origin=_text("CORS_ORIGIN", "*"))


@cache
def query_settings() -> QuerySettings:
    """Read the settings of query_tenant.

    :raises InvalidSetting: one is missing or malformed.
    """
    per_tenant = _text("TENANT_ISOLATION", "SHARED") == "PER_TENANT"
    return QuerySettings(
        stage=_text("STAGE"),
        region=_text("AWS_REGION"),
        tenant_role_arn=_text("TENANT_ROLE_ARN"),
        per_tenant_compute=per_tenant,
        cors_origin=_text("CORS_ORIGIN", "*"),
        # An environment that serves one tenant alone needs no second connection.
        max_connections=1 if per_tenant else _number("MAX_CONNECTIONS", 8),
        connection_age=_number("CONNECTION_AGE_SECONDS", 900),
        secret_age=_number("SECRET_AGE_SECONDS", 300),
        catalogue_age=_number("CATALOGUE_AGE_SECONDS", 300),
        connect_timeout=_number("CONNECT_TIMEOUT_SECONDS", 4),
        statement_timeout_ms=_number("STATEMENT_TIMEOUT_MS", 10_000),
        max_rows=_number("MAX_ROWS", 1_000),
        max_body_bytes=_number("MAX_BODY_BYTES", 1_000_000),
        # Lambda allows 6 MB for the whole answer, in which the body is a JSON string: quotes are escaped.
        max_answer_bytes=_number("MAX_ANSWER_BYTES", 4_500_000),
    )


@cache
def authorizer_settings() -> AuthorizerSettings:
    """Read the settings of authorize_request.

    :raises InvalidSetting: one is missing.
    """
    return AuthorizerSettings(
        issuer=_text("ISSUER").rstrip("/"),
        audience=_text("AUDIENCE"),
        jwks_url=_text("JWKS_URL", ""),
        token_use=_text("TOKEN_USE", ""),
        tenant_claim=_text("TENANT_CLAIM", "custom:tenant_id"),
        role_claim=_text("ROLE_CLAIM", "custom:role"),
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
    )


@cache
def plan_settings() -> PlanSettings:
    """Read the settings of plan_backups.

    :raises InvalidSetting: one is missing.
    """
    return PlanSettings(
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
        bucket=_text("BACKUP_BUCKET"),
        timezone=_text("BACKUP_TIMEZONE", "UTC"),
        window_start=_number("BACKUP_WINDOW_START", 1),
        window_hours=_number("BACKUP_WINDOW_HOURS", 4),
        at_once=_number("BACKUPS_AT_ONCE", 4),
    )


@cache
def run_settings() -> RunSettings:
    """Read the settings of summarise_run.

    :raises InvalidSetting: one is missing or malformed.
    """
    return RunSettings(
        region=_text("AWS_REGION"),
        bucket=_text("BACKUP_BUCKET"),
        tolerated_percentage=_number("TOLERATED_FAILURE_PERCENTAGE", 0),
    )


@cache
def history_settings() -> HistorySettings:
    """Read the settings of watch_backups and of plan_drills.

    :raises InvalidSetting: one is missing or malformed.
    """
    return HistorySettings(
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
        bucket=_text("BACKUP_BUCKET"),
        buckets=_buckets(_text("BACKUP_BUCKET")),
        drills_at_once=_number("DRILLS_AT_ONCE", 1),
    )


@cache
def drill_settings() -> DrillSettings:
    """Read the settings of drill_backup.

    :raises InvalidSetting: one is missing or malformed.
    """
    return DrillSettings(
        stage=_text("STAGE"),
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
        buckets=_buckets(_text("BACKUP_BUCKET")),
        pg_client_directory=_text("PG_CLIENT_DIRECTORY", "/opt/bin"),
        connect_timeout=_number("CONNECT_TIMEOUT_SECONDS", 10),
        lock_timeout_ms=_number("LOCK_TIMEOUT_MS", 10_000),
    )


@cache
def administration_settings() -> AdministrationSettings:
    """Read the settings of administer_tenants.

    :raises InvalidSetting: one is missing or malformed.
    """
    return AdministrationSettings(
        stage=_text("STAGE"),
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
        user_pool_id=_text("USER_POOL_ID", ""),
        cors_origin=_text("CORS_ORIGIN", "*"),
        max_body_bytes=_number("MAX_BODY_BYTES", 100_000),
        operation_function_arn=_text("OPERATION_FUNCTION_ARN"),
        timer_role_arn=_text("TIMER_ROLE_ARN"),
        rotation_function_arn=_text("ROTATION_FUNCTION_ARN", ""),
        # An account's default, where none is reserved.
        query_concurrency=_number("QUERY_CONCURRENCY", 0) or 1000,
        connections_per_environment=_number("MAX_CONNECTIONS", 8),
        buckets=_buckets(_text("BACKUP_BUCKET", "")),
        retention=parse_policy(_text("RETENTION", "")),
        reader_role_arn=_text("BACKUP_READER_ROLE_ARN", ""),
        backup_function_arn=_text("BACKUP_FUNCTION_ARN", ""),
    )


@cache
def backup_settings() -> BackupSettings:
    """Read the settings of back_up_tenant.

    :raises InvalidSetting: one is missing or malformed.
    """
    return BackupSettings(
        stage=_text("STAGE"),
        region=_text("AWS_REGION"),
        tenant_role_arn=_text("TENANT_ROLE_ARN"),
        registry_table=_text("REGISTRY_TABLE"),
        buckets=_buckets(_text("BACKUP_BUCKET")),
        pg_client_directory=_text("PG_CLIENT_DIRECTORY", "/opt/bin"),
        connect_timeout=_number("CONNECT_TIMEOUT_SECONDS", 10),
        lock_timeout_ms=_number("LOCK_TIMEOUT_MS", 60_000),
        kms_key=_text("BACKUP_KMS_KEY_ARN", ""),
    )


@cache
def manage_settings() -> ManageSettings:
    """Read the settings of manage_backups.

    :raises InvalidSetting: one is missing or malformed.
    """
    return ManageSettings(
        stage=_text("STAGE"),
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
        reader_role_arn=_text("BACKUP_READER_ROLE_ARN"),
        backup_function_arn=_text("BACKUP_FUNCTION_ARN"),
        cors_origin=_text("CORS_ORIGIN", "*"),
        buckets=_buckets(_text("BACKUP_BUCKET")),
    )


@cache
def rotation_settings() -> RotationSettings:
    """Read the settings of rotate_credentials.

    :raises InvalidSetting: one is missing or malformed.
    """
    return RotationSettings(
        stage=_text("STAGE"),
        region=_text("AWS_REGION"),
        registry_table=_text("REGISTRY_TABLE"),
        connect_timeout=_number("CONNECT_TIMEOUT_SECONDS", 5),
    )
