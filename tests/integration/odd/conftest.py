"""Odd databases lie where those of the restores' tests do."""

from tests.integration.relocation.conftest import second_postgres, servers_of_the_module  # noqa: F401
from tests.integration.restores.conftest import Vault, s3, vault  # noqa: F401

__all__ = ["Vault"]
