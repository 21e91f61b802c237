"""The settings of rotate_credentials."""

from dataclasses import dataclass

from handlers.settings.environment import number, reader, text


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """The settings of rotate_credentials; `connect_timeout` is in seconds."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    connect_timeout: int = number("CONNECT_TIMEOUT_SECONDS", 5)


rotation_settings = reader(RotationSettings)
