"""Single tables come back beside those that are there, or their rows in the place of what is there."""

import pytest

from tenantry.domain.errors import TenantryError
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Isolation
from tests.integration.restoration.conftest import ROWS, Cut, Vault, dying_after

PEOPLE = "SELECT id, team, born, facts FROM {}.people ORDER BY id"


def bring(vault: Vault, *tables: str, mode: str, lose: str) -> tuple[Operation, list[object]]:
    tenant = vault.add_with_tables()
    before = vault.run_as(tenant, PEOPLE.format("public"))
    backup = vault.back_up(tenant)
    vault.run_as(tenant, lose)
    done = vault.perform_well(vault.start(backup, tables=tables, mode=mode))
    assert vault.leftovers(tenant) == []
    assert (vault.tenant(tenant).relocation, vault.tenant(tenant).former_home) == ("", None)
    return done, before


def test_a_table_that_was_dropped_comes_back_beside(vault: Vault) -> None:
    done, before = bring(vault, "public.people", mode="beside", lose="DROP VIEW grown; DROP TABLE people")
    tenant = vault.made[-1]
    assert vault.run_as(tenant, PEOPLE.format(done.facts["restored_schema"])) == before
    assert vault.run_as(tenant, "SELECT to_regclass('public.people')") == [(None,)]
    tables = f"SELECT count(*) FROM pg_tables WHERE schemaname = '{done.facts['restored_schema']}'"
    assert vault.run_as(tenant, tables) == [(1,)]


def test_rows_are_replaced_and_what_was_there_is_kept(vault: Vault) -> None:
    lose = "DELETE FROM people WHERE id > 10; UPDATE people SET born = NULL; INSERT INTO people (team) VALUES (2)"
    done, before = bring(vault, "public.people", mode="replace", lose=lose)
    tenant = vault.made[-1]
    assert vault.run_as(tenant, PEOPLE.format("public")) == before
    assert vault.run_as(tenant, f"SELECT count(*) FROM {done.facts['replaced_schema']}.people") == [(11,)]
    # An id that was given out since does not come again, triggers fire, and foreign keys hold.
    ((number, facts),) = vault.run_as(tenant, "INSERT INTO people (team) VALUES (1) RETURNING id, facts")
    assert (number > 301, facts) == (True, {"stamped": True})
    with pytest.raises(Exception, match="foreign key"):
        vault.run_as(tenant, "INSERT INTO people (team) VALUES (99)")


def test_rows_that_others_refer_to_are_not_taken_from_under_them(vault: Vault) -> None:
    """What was added since refers to a row that the backup has not."""
    tenant = vault.add_with_tables()
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "INSERT INTO teams (name) VALUES ('new'); INSERT INTO people (team) VALUES (6)")
    before = vault.run_as(tenant, "SELECT * FROM teams ORDER BY id")
    with pytest.raises(TenantryError) as failure:
        vault.perform(vault.start(backup, tables=("public.teams",), mode="replace"))
    assert failure.value.code == "23503"
    assert vault.run_as(tenant, "SELECT * FROM teams ORDER BY id") == before
    assert vault.leftovers(tenant) == []
    assert vault.tenant(tenant).relocation == ""
    vault.perform_well(vault.start(backup, tables=("public.*",), mode="replace"))
    assert len(vault.run_as(tenant, "SELECT * FROM teams")) == len(before) - 1


@pytest.mark.parametrize("step", ["find", "beside", "compare", "bring", "settle"])
@pytest.mark.parametrize("mode", ["beside", "replace"])
def test_a_worker_that_dies_is_followed_by_one_that_finishes(vault: Vault, mode: str, step: str) -> None:
    tenant = vault.add_with_tables()
    before = vault.run_as(tenant, ROWS)
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "DELETE FROM candidates")
    operation = vault.start(backup, tables=("public.candidates",), mode=mode)
    with pytest.raises(Cut):
        vault.perform(operation, dying_after(step))
    done = vault.perform_well(operation)
    schema = done.facts.get("restored_schema", "public")
    assert vault.run_as(tenant, ROWS.replace("FROM ", f"FROM {schema}.")) == before
    assert vault.leftovers(tenant) == []


def test_what_cannot_be_restored_alone_is_refused(vault: Vault) -> None:
    tenant, other = vault.add(), vault.add(Isolation.SCHEMA)
    codes = []
    for whose, table in ((tenant, "public.nothing"), (other, f"{other}.candidates")):
        with pytest.raises(TenantryError) as refusal:
            vault.start(vault.back_up(whose), tables=(table,))
        codes.append(refusal.value.code)
    assert codes == ["table_unknown", "tables_elsewhere"]
