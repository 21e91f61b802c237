"""Where a tenant lives: read from facts, and compared with where its credentials lead."""

from dataclasses import replace
from typing import Any

from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Home, Isolation


def home_of_facts(fields: dict[str, Any]) -> Home:
    """Read one home back."""
    return Home(**fields | {"isolation": Isolation(fields["isolation"])})


def credentials_at(credentials: Credentials, home: Home, server: Server) -> Credentials:
    """Say how a login reaches a home on that server, with the password that it has."""
    return replace(
        credentials,
        host=server.host,
        port=server.port,
        sslmode=server.sslmode,
        sslrootcert=server.sslrootcert,
        dbname=home.database,
        isolation=home.isolation,
        schema=home.schema,
    )


def place_of(credentials: Credentials) -> tuple[str, int, str, str, Isolation]:
    """Say where credentials lead to, whoever logs in."""
    return credentials.host.lower(), credentials.port, credentials.dbname, credentials.schema, credentials.isolation


def moved(home: Home, server_id: str) -> Home:
    """Say where a tenant lives that went to another server: under the same names."""
    return Home(server_id, home.isolation, home.database, home.schema)
