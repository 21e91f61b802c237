"""The worlds of the integration tests, for those who attack them."""

from tests.integration.conftest import _revisions, world
from tests.integration.relocation.conftest import second_postgres, servers_of_the_module
from tests.integration.restores.conftest import s3, vault

__all__ = ["_revisions", "s3", "second_postgres", "servers_of_the_module", "vault", "world"]
