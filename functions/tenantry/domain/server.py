"""The PostgreSQL servers that hold the tenants' databases."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tenantry.domain.errors import BadRequest

_SERVER_ID = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")


class ServerStatus(StrEnum):
    """Whether new tenants may be placed on a server; a lost one will never answer again."""

    ACTIVE = "active"
    DRAINING = "draining"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Server:
    """One PostgreSQL server as the functions reach it; its administrator's password is not included."""

    server_id: str
    region: str
    host: str
    port: int
    sslmode: str = "verify-full"
    sslrootcert: str | None = None
    labels: frozenset[str] = frozenset()
    max_tenants: int = 1000
    status: ServerStatus = ServerStatus.ACTIVE
    # The monthly price without the disk, in the price file's currency, for the report on cost; None if unknown.
    monthly_price: Decimal | None = None
    # How many of its tenants a run over the fleet backs up at the same time; None means the stack's default.
    backup_concurrency: int | None = None

    def __post_init__(self) -> None:
        if not _SERVER_ID.fullmatch(self.server_id):
            raise BadRequest(
                "That is no server id.",
                code="invalid_server_id",
                hint="3 to 40 lower case letters, digits and hyphens; a letter first, no hyphen last.",
            )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a tenant may be placed: its only region (empty means any), and the labels that the server needs."""

    region: str = ""
    labels: frozenset[str] = frozenset()

    def allows(self, server: Server) -> bool:
        """Tell whether a tenant with these requirements may live on that server."""
        return self.region in ("", server.region) and self.labels <= server.labels


def server_secret_name(stage: str, server_id: str) -> str:
    """Name the secret that holds the credentials of a server's administrator."""
    return f"tenantry/{stage}/servers/{server_id}"
