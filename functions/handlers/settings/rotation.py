"""What rotate_credentials is told."""

from dataclasses import dataclass

from handlers.settings.environment import number, reader, text


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """Of rotate_credentials; `connect_timeout` in seconds."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    connect_timeout: int = number("CONNECT_TIMEOUT_SECONDS", 5)


rotation_settings = reader(RotationSettings)
