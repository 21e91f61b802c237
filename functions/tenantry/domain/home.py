"""Homes: read from an operation's facts, and compared with where credentials lead."""

from dataclasses import replace
from typing import Any

from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Home, Isolation


def home_of_facts(fields: dict[str, Any]) -> Home:
    """Read a home from an operation's facts."""
    return Home(**fields | {"isolation": Isolation(fields["isolation"])})


def credentials_at(credentials: Credentials, home: Home, server: Server) -> Credentials:
    """Return the credentials with which a login reaches a home on that server; the password stays."""
    return replace(
        credentials,
        host=server.host,
        port=server.port,
        sslmode=server.sslmode,
        sslrootcert=server.sslrootcert,
        pooler=server.pooler,
        dbname=home.database,
        isolation=home.isolation,
        schema=home.schema,
    )


def place_of(credentials: Credentials) -> tuple[str, int, str, str, Isolation]:
    """Return where credentials lead, without login and password."""
    return credentials.host.lower(), credentials.port, credentials.dbname, credentials.schema, credentials.isolation


def is_same_place(home: Home, other: Home) -> bool:
    """Tell whether two homes of one tenant on one running server are the same: who drops one, drops the other."""
    has_schema = Isolation.SCHEMA in (home.isolation, other.isolation)
    return home.database == other.database and (not has_schema or home.schema == other.schema)


def moved(home: Home, server_id: str) -> Home:
    """Return the home on another server, under the same names."""
    return Home(server_id, home.isolation, home.database, home.schema)
