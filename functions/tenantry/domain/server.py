"""The PostgreSQL servers that hold the tenants' databases."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tenantry.domain.errors import BadRequest
from tenantry.domain.pooler import Pooler

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
    # What the data API goes through, and how many of the server's sessions it gives one login; None if not known.
    pooler: Pooler | None = None
    pool_size: int | None = None

    def __post_init__(self) -> None:
        if not _SERVER_ID.fullmatch(self.server_id):
            raise BadRequest(
                "That is no server id.",
                code="invalid_server_id",
                hint="3 to 40 lower case letters, digits and hyphens; a letter first, no hyphen last.",
            )
        if self.pooler and (self.pooler.host or self.host, self.pooler.port) == (self.host, self.port):
            raise BadRequest(
                "The pooler's address is the server's own.",
                code="pooler_is_server",
                hint="Give the pooler's port, and its host where that is another. `port` is PostgreSQL's own.",
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
