"""PostgreSQL servers of a test's own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.ports import free_ports
from local.postgres_server import PostgresServer


@contextmanager
def temporary_postgres(name: str) -> Iterator[PostgresServer]:
    """Start a server on a free port; nothing of it remains."""
    # Directly under the system's directory: as root, the server may run as a user who cannot enter pytest's own.
    with tempfile.TemporaryDirectory(prefix="tenantry-postgres-") as directory:
        server = PostgresServer(Path(directory), name=name, port=free_ports(1)[0], durable=False)
        try:
            server.start()
            yield server
        finally:
            server.stop()
