"""Tenants on two real servers whose contents are read, backed up, restored and copied."""

from tests.integration.restores.conftest import (  # noqa: F401
    Vault,
    s3,
    second_postgres,
    servers_of_the_module,
    vault,
)

__all__ = ["Vault"]
