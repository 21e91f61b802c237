"""The settings of get_health."""

from dataclasses import dataclass

from handlers.settings.environment import reader, text


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """The settings of get_health."""

    cors_origin: str = text("CORS_ORIGIN", "*")


health_settings = reader(HealthSettings)
