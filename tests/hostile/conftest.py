"""Attacks, by what the attacker has; the servers and tenants are those of the integration tests."""

from tests.integration.conftest import world
from tests.integration.relocation.conftest import second_postgres, servers_of_the_module
from tests.integration.restores.conftest import s3, vault
from tests.integration.tenants.adoption.conftest import legacy

__all__ = ["legacy", "s3", "second_postgres", "servers_of_the_module", "vault", "world"]
