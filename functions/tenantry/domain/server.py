"""PostgreSQL servers, on which the tenants' databases lie."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """One PostgreSQL server as the functions reach it, without its administrator's password."""

    server_id: str
    region: str
    host: str
    port: int
    sslmode: str = "verify-full"
    sslrootcert: str | None = None
