"""What a child table has otherwise than its parents comes back, though a dump says it of the parents alone."""

import pytest

from tenantry.domain.tenant import Isolation
from tests.integration.contents.conftest import Vault

INHERITING = """
CREATE TABLE parent (c int, text1 text, text2 text);
INSERT INTO parent VALUES (9);
ALTER TABLE parent ADD CONSTRAINT small CHECK (c < 5) NOT VALID;
CREATE TABLE "ch""ild" (c int, own text) INHERITS (parent);
INSERT INTO "ch""ild" VALUES (1);
CREATE TABLE grandchild () INHERITS ("ch""ild");
ALTER TABLE ONLY parent ALTER text1 SET STORAGE PLAIN;
ALTER TABLE ONLY parent ALTER text2 SET COMPRESSION pglz;
CREATE VIEW checked WITH (check_option = local, security_invoker = on) AS SELECT c FROM parent WHERE c > 1;
CREATE TABLE parts (a int) PARTITION BY RANGE (a);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
ALTER TABLE parts ADD CONSTRAINT few CHECK (a < 100) NOT VALID;
ALTER TABLE parts_1 VALIDATE CONSTRAINT few;
"""


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_what_children_have_otherwise_comes_back(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    vault.run_as(tenant, INHERITING)
    backup = vault.back_up(tenant)
    assert not backup.limited
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.perform_well(vault.start(backup))
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    valid = "SELECT conrelid::regclass::text, convalidated FROM pg_constraint WHERE conname = 'small' ORDER BY 1"
    assert vault.run_as(tenant, valid) == [('"ch""ild"', True), ("grandchild", True), ("parent", False)]


def test_another_order_of_columns_is_told(vault: Vault) -> None:
    """A child's columns come back behind those that it inherits, in the parent's order."""
    tenant = vault.add()
    vault.run_as(
        tenant,
        """CREATE TABLE parent (a int, b int); CREATE TABLE same (z int) INHERITS (parent);
        CREATE TABLE attached (b int, a int); ALTER TABLE attached INHERIT parent;
        CREATE TABLE later (z int) INHERITS (parent); CREATE TABLE parts (a int, b int) PARTITION BY LIST (a);
        CREATE TABLE part (b int, a int); ALTER TABLE parts ATTACH PARTITION part DEFAULT""",
    )
    manifest = vault.back_up(tenant).manifest
    assert manifest
    assert [(gone.kind, gone.name, gone.reason) for gone in manifest.omissions or ()] == [
        ("table", "@.attached", "column_order")
    ]
    vault.run_as(tenant, "DROP TABLE attached; ALTER TABLE parent ADD c int")
    backup = vault.back_up(tenant)
    assert backup.manifest
    assert {gone.name for gone in backup.manifest.omissions or ()} == {"@.same", "@.later"}
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
