"""An owner changes after a move what no row and no right tells of: an undo brings it along, or is refused."""

from dataclasses import replace

import pytest

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation
from tests.hostile.owner_sql.test_rights_go_along import run
from tests.integration.restores.conftest import Vault

BEFORE = "CREATE FUNCTION old() RETURNS int LANGUAGE sql AS 'SELECT 1'"
# What is done, and a question that is answered with true only where it was.
CHANGES = {
    "function": ("CREATE OR REPLACE FUNCTION old() RETURNS int LANGUAGE sql AS 'SELECT 2'", "SELECT old() = 2"),
    "policy": (
        "ALTER TABLE candidates ENABLE ROW LEVEL SECURITY; CREATE POLICY fresh ON candidates USING (true)",
        "SELECT EXISTS (SELECT FROM pg_policy WHERE polname = 'fresh')",
    ),
    "check": (
        "ALTER TABLE candidates ADD CONSTRAINT fresh CHECK (true)",
        "SELECT EXISTS (SELECT FROM pg_constraint WHERE conname = 'fresh')",
    ),
    "enum": ("CREATE TYPE fresh AS ENUM ('a')", "SELECT 'a'::fresh = 'a'"),
    "cast": (
        "CREATE TYPE fresh AS (a int); CREATE FUNCTION as_fresh(int) RETURNS fresh LANGUAGE sql AS 'SELECT ROW($1)';"
        "CREATE CAST (int AS fresh) WITH FUNCTION as_fresh(int)",
        "SELECT (1::fresh).a = 1",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_an_undo_brings_along_what_was_defined_since(vault: Vault, kind: str) -> None:
    """The owner defines something anew where the tenant was moved to, and writes no row."""
    change, question = CHANGES[kind]
    tenant = vault.add()
    run(vault, tenant, "owner", BEFORE)
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    run(vault, tenant, "owner", change)
    undone = vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert undone.facts["changed"] is True
    assert vault.home(tenant).server_id == "here"
    assert vault.run_as(tenant, question) == [(True,)]


def test_an_undo_of_a_move_from_before_brings_along_all(vault: Vault) -> None:
    """A move was made when nobody noted how things were defined: nothing is taken for unchanged."""
    change, question = CHANGES["function"]
    tenant = vault.add()
    run(vault, tenant, "owner", BEFORE)
    moved = vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    known = {name: fact for name, fact in moved.facts.items() if name != "definitions"}
    vault.store.put(replace(moved, facts=known))
    run(vault, tenant, "owner", change)
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert vault.run_as(tenant, question) == [(True,)]


def test_where_only_rows_go_back_an_undo_is_refused(vault: Vault) -> None:
    """A promoted tenant defines a function anew: its schema can't be given that, and it stays where it is."""
    change, question = CHANGES["function"]
    tenant = vault.add(Isolation.SCHEMA)
    run(vault, tenant, "owner", BEFORE)
    vault.perform_well(vault.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    run(vault, tenant, "owner", change)
    with pytest.raises(Conflict) as refusal:
        vault.perform(vault.relocations.undo(tenant, "op-1"))
    assert refusal.value.code == "changed_since"
    assert vault.run_as(tenant, question) == [(True,)]
    vault.run_as(tenant, "INSERT INTO candidates (name, email) VALUES ('a', 'a@example.com')")
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))


def test_an_undo_of_what_nobody_changed_copies_nothing(vault: Vault) -> None:
    """Reading, a new session and an unconfirmed move are no change."""
    tenant = vault.add()
    run(vault, tenant, "owner", BEFORE)
    vault.perform_well(vault.relocations.move(tenant, "there", "op-1"))
    run(vault, tenant, "viewer", "SELECT FROM candidates")
    assert vault.perform_well(vault.relocations.undo(tenant, "op-1")).facts["changed"] is False
