"""Rows that are distributed to partitions by a hash of OIDs come back, in whichever partition."""

import pytest

from tenantry.domain.errors import Conflict, RestoreFailed
from tenantry.domain.tenant import Isolation
from tests.integration.contents.conftest import Vault

# By an enum, by what is made of one, by an expression, and below another partitioned table; the last is like any other.
HASHED = """
CREATE TYPE kind AS ENUM ('a', 'b', 'c', 'd', 'e', 'f');
CREATE TYPE pair AS (n int, kind kind);
CREATE DOMAIN kinds AS kind[];
CREATE TABLE by_enum (kind kind, n int) PARTITION BY HASH (kind);
CREATE TABLE by_array (kind kinds, n int) PARTITION BY HASH (kind);
CREATE TABLE by_row (n int, kind pair) PARTITION BY HASH (kind);
CREATE TABLE by_expression (kind kind, n int) PARTITION BY HASH ((ARRAY[kind]));
CREATE TABLE below (kind kind, n int) PARTITION BY RANGE (n);
CREATE TABLE below_1 PARTITION OF below DEFAULT PARTITION BY HASH (kind);
CREATE TABLE by_number (kind kind, n int) PARTITION BY HASH (n);
DO $$
DECLARE above text;
BEGIN
    FOREACH above IN ARRAY ARRAY['by_enum', 'by_array', 'by_row', 'by_expression', 'below_1', 'by_number'] LOOP
        FOR part IN 0..2 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 3, REMAINDER %s)',
                           above || '_' || part, above, part);
        END LOOP;
    END LOOP;
END $$;
INSERT INTO by_enum SELECT k, n FROM unnest(enum_range(NULL::kind)) WITH ORDINALITY e(k, n);
INSERT INTO by_array SELECT ARRAY[kind], n FROM by_enum;
INSERT INTO by_row SELECT n, (n, kind)::pair FROM by_enum;
INSERT INTO by_expression SELECT * FROM by_enum; INSERT INTO below SELECT * FROM by_enum;
INSERT INTO by_number SELECT * FROM by_enum;
"""
ROWS = "SELECT array_agg((kind, n)::text ORDER BY n) FROM {}"
HASHED_BY_OIDS = ["by_enum", "by_array", "by_expression", "below"]


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_rows_hashed_by_oids_come_back(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    vault.run_as(tenant, HASHED)
    before = {table: vault.run_as(tenant, ROWS.format(table)) for table in [*HASHED_BY_OIDS, "by_row", "by_number"]}
    backup = vault.back_up(tenant)
    assert backup.manifest
    rehashed = {table.rehashed_in[1] for table in backup.manifest.tables if table.rehashed_in}
    assert rehashed == {"by_enum", "by_array", "by_row", "by_expression", "below_1"}
    findings = vault.scratches().drill(vault.order(backup)).findings
    assert findings.differing == []
    vault.run_as(tenant, "DELETE FROM by_enum; UPDATE by_array SET n = 0; DROP TABLE below")
    vault.perform_well(vault.start(backup))
    assert before == {table: vault.run_as(tenant, ROWS.format(table)) for table in before}
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    vault.run_as(tenant, "UPDATE by_array SET n = 7 WHERE n = 6")
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert vault.run_as(tenant, "SELECT max(n) FROM by_array") == [(7,)]
    assert before["by_enum"] == vault.run_as(tenant, ROWS.format("by_enum"))


def test_a_row_that_is_lost_is_noticed(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, HASHED)
    order = vault.order(vault.back_up(tenant))
    vault.scratches().restore(order)
    vault.execute("here", "UPDATE by_array SET n = 99 WHERE n = 1; DELETE FROM by_number WHERE n = 1", order.database)
    findings = vault.scratches().examine(order)
    vault.scratches().drop(order)
    assert {f"public.by_array_{n}" for n in range(3)} <= set(findings.differing)
    assert len([name for name in findings.differing if "by_number" in name]) == 1
    with pytest.raises(RestoreFailed):
        findings.require_same()


def test_single_tables_that_are_hashed_by_oids(vault: Vault) -> None:
    """They come back whole: nobody knows which rows lay in one of their partitions."""
    tenant = vault.add()
    vault.run_as(tenant, HASHED + "ALTER TABLE by_array ENABLE ROW LEVEL SECURITY")
    vault.run_as(
        tenant,
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
        CREATE TRIGGER refused BEFORE INSERT ON by_array EXECUTE FUNCTION refuse()""",
    )
    before = vault.run_as(tenant, ROWS.format("by_array"))
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "DELETE FROM by_array WHERE n > 2")
    for mode in ("replace", "beside"):
        with pytest.raises(Conflict) as refusal:
            vault.perform(vault.start(backup, tables=("public.by_array_1",), mode=mode))
        assert (refusal.value.code, refusal.value.details) == (
            "tables_needed",
            "public.by_array_0, public.by_array_2",
        )
    vault.perform_well(vault.start(backup, tables=("public.by_array",), mode="replace"))
    assert vault.run_as(tenant, ROWS.format("by_array")) == before
    beside = vault.perform_well(vault.start(backup, tables=("public.by_array",), mode="beside"))
    copied = f'"{beside.facts["restored_schema"]}".by_array'
    assert vault.run_as(tenant, ROWS.format(copied)) == before
