"""Tables whose policies bind their owner, too, and what is filled from them, are restored, copied and exchanged."""

import pytest

from tenantry.domain.tenant import Isolation
from tests.integration.restores.conftest import Vault

FORCED = """
CREATE TABLE guarded (a int PRIMARY KEY); INSERT INTO guarded VALUES (1), (2);
CREATE VIEW between AS SELECT * FROM guarded;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM between;
CREATE TABLE referring (a int REFERENCES guarded); INSERT INTO referring VALUES (2);
CREATE TABLE parts (a int) PARTITION BY LIST (a);
CREATE TABLE part PARTITION OF parts DEFAULT; INSERT INTO parts VALUES (1);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
ALTER TABLE part ENABLE ROW LEVEL SECURITY; ALTER TABLE part FORCE ROW LEVEL SECURITY;
ALTER TABLE referring ENABLE ROW LEVEL SECURITY; ALTER TABLE referring FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded USING (a = 1);
"""
IS_FORCED = "SELECT relname::text FROM pg_class WHERE relforcerowsecurity ORDER BY 1"
ALL_ROWS = "ALTER TABLE guarded NO FORCE ROW LEVEL SECURITY"


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_what_is_filled_from_forced_tables_comes_back(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    vault.run_as(tenant, FORCED)
    backup = vault.back_up(tenant)
    assert backup.manifest
    told = [(gone.kind, gone.name, gone.reason) for gone in backup.manifest.omissions or ()]
    assert told == [("materialized view", "@.counted", "policies_apply")]
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.perform_well(vault.start(backup))
    # As its owner fills it, who sees one of the two rows.
    assert vault.run_as(tenant, "SELECT n FROM counted") == [(1,)]
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    assert vault.run_as(tenant, f"{ALL_ROWS}; SELECT a FROM guarded ORDER BY a") == [(1,), (2,)]


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_single_tables_that_are_forced(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    vault.run_as(tenant, FORCED)
    schema = vault.credentials(tenant).schema
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "DELETE FROM guarded; DELETE FROM part")
    wanted = (f"{schema}.guarded", f"{schema}.parts")
    replaced = vault.perform_well(vault.start(backup, tables=wanted, mode="replace"))
    assert vault.run_as(tenant, IS_FORCED) == [("guarded",), ("part",), ("referring",)]
    kept = replaced.facts["replaced_schema"]
    assert vault.run_as(tenant, f'SELECT a FROM "{kept}".guarded') == [(2,)]
    beside = vault.perform_well(vault.start(backup, tables=wanted, mode="beside")).facts["restored_schema"]
    assert vault.run_as(tenant, f'SELECT a FROM "{beside}".guarded ORDER BY a') == [(1,), (2,)]
    assert vault.run_as(tenant, f'SELECT a FROM "{beside}".part') == [(1,)]
    assert vault.run_as(tenant, f"{ALL_ROWS}; SELECT a FROM guarded ORDER BY a") == [(1,), (2,)]
