"""The settings of the functions that conduct rollouts and migrate tenants."""

from dataclasses import dataclass

from handlers.settings.environment import number, reader, text


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """The settings of conduct_rollout."""

    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    rollout_machine_arn: str = text("ROLLOUT_MACHINE_ARN")
    error_counts_table: str = text("ERROR_COUNTS_TABLE")


@dataclass(frozen=True, slots=True)
class MigrationSettings:
    """The settings of migrate_tenants; `lock_wait_seconds` is how long one attempt waits for the locks of others."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    backup_function_arn: str = text("BACKUP_FUNCTION_ARN", "")
    lock_wait_seconds: int = number("LOCK_WAIT_SECONDS", 15)


conductor_settings = reader(ConductorSettings)
migration_settings = reader(MigrationSettings)
