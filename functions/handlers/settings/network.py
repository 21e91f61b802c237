"""What probe_network is told."""

from dataclasses import dataclass

from handlers.settings.environment import reader, text


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Of probe_network: where it runs, and where the servers are registered."""

    region: str = text("AWS_REGION")
    registry_table: str = text("REGISTRY_TABLE")


network_settings = reader(NetworkSettings)
