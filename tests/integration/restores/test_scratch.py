"""A backup is restored into a scratch database, compared, and dropped."""

import pytest

from tenantry.domain.tenant import Isolation
from tests.integration.restores.conftest import Vault

MODELS = [Isolation.DATABASE, Isolation.SCHEMA, Isolation.POOLED]


@pytest.mark.parametrize("isolation", MODELS)
def test_a_backup_comes_back_and_leaves_nothing(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation) if isolation is Isolation.POOLED else vault.add_with_tables(isolation)
    drilled = vault.scratches().drill(vault.order(vault.back_up(tenant)))
    assert drilled.findings.matches, drilled.findings
    assert {table.table: table.rows for table in drilled.findings.tables}["candidates"] == 200
    assert drilled.restored_bytes > 0
    assert vault.leftovers(tenant) == []
