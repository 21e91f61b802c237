"""What watch_sessions is told."""

from dataclasses import dataclass

from handlers.settings.environment import number, reader, text


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Of watch_sessions: for how many seconds a tenant's transaction may keep others waiting."""

    stage: str = text("STAGE")
    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")
    lock_holder_seconds: int = number("LOCK_HOLDER_SECONDS", 60)


session_settings = reader(SessionSettings)
