"""What PostgreSQL writes in another way once it was read again is the same, and what it reads as another is told."""

import psycopg2
import pytest

from tenantry.domain.tenant import Isolation
from tests.integration.contents.conftest import Vault

# Functions that return rows, and what is defined over them before their types have got one more column.
OVER_FUNCTIONS = """
CREATE TABLE grows (a int, b text); CREATE TABLE beside (a int, c text, extra int);
CREATE FUNCTION rows_of(x int) RETURNS SETOF grows LANGUAGE plpgsql AS 'BEGIN END';
CREATE TYPE pair AS (a int, b text);
CREATE VIEW plain AS SELECT * FROM rows_of(1);
CREATE VIEW named AS SELECT * FROM rows_of((1 + 2)) AS q("A (1", b1);
CREATE VIEW joined AS SELECT beside.extra AS extra, q.a FROM beside, LATERAL rows_of(beside.a) q;
CREATE VIEW of_type AS SELECT * FROM unnest(ARRAY[(1, 'x')::pair]) q;
CREATE MATERIALIZED VIEW filled AS SELECT q FROM rows_of(1) q;
CREATE FUNCTION body() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM rows_of(1) q; END;
CREATE POLICY own ON beside USING (EXISTS (SELECT FROM rows_of(1) q WHERE q.a = beside.a));
CREATE RULE also AS ON INSERT TO beside DO ALSO SELECT * FROM rows_of(1) q WHERE q.a = NEW.a;
"""
# The same, where other columns come after those that are added.
SHIFTED = """
CREATE VIEW counted AS SELECT * FROM rows_of(1) WITH ORDINALITY q;
CREATE VIEW several AS SELECT * FROM ROWS FROM (rows_of(1), generate_series(1, 2)) q;
CREATE VIEW named_join AS SELECT j.* FROM (rows_of(1) f JOIN beside USING (a)) AS j(x, y);
CREATE FUNCTION shifted() RETURNS bigint LANGUAGE sql
BEGIN ATOMIC SELECT max(n) FROM rows_of(1) WITH ORDINALITY q(a, b, n); END;
"""
GROW = "ALTER TABLE grows ADD extra int; ALTER TYPE pair ADD ATTRIBUTE extra int"


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_what_is_over_functions_comes_back_when_their_types_have_grown(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    vault.run_as(tenant, OVER_FUNCTIONS + GROW)
    backup = vault.back_up(tenant)
    assert not backup.limited
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    # Of what has changed, it is still told.
    vault.run_as(tenant, "CREATE OR REPLACE VIEW plain AS SELECT * FROM rows_of(2)")
    order = vault.order(backup)
    vault.scratches().restore(order)
    redefine = "CREATE OR REPLACE VIEW plain AS SELECT a, b FROM rows_of(2); DROP VIEW named"
    vault.execute("here", f'SET search_path = "{order.home.schema}"; {redefine}', order.database)
    differing = vault.scratches().examine(order).differing
    vault.scratches().drop(order)
    schema = order.home.schema
    assert {f"view {schema}.plain", f"view {schema}.named"} <= set(differing)


def test_what_would_be_read_as_another_is_told_and_left_out(vault: Vault) -> None:
    tenant = vault.add()
    vault.run_as(tenant, OVER_FUNCTIONS + SHIFTED)
    assert not vault.back_up(tenant).limited
    vault.run_as(tenant, GROW)
    backup = vault.back_up(tenant)
    assert backup.manifest
    assert {(gone.kind, gone.name, gone.reason) for gone in backup.manifest.omissions or ()} == {
        ("view", "@.counted", "not_restorable"),
        ("view", "@.several", "not_restorable"),
        ("view", "@.named_join", "not_restorable"),
        ("function", "@.shifted()", "not_restorable"),
    }
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    vault.perform_well(vault.start(backup))
    assert vault.run_as(tenant, "SELECT a, b FROM plain") == []
    with pytest.raises(psycopg2.errors.UndefinedTable):
        vault.run_as(tenant, "SELECT FROM counted")
