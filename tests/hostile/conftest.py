"""Two tenants on a real server, and callers who mean harm."""

from tests.integration.conftest import world

__all__ = ["world"]
