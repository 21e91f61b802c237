"""A schema is restored under the name that it was dumped under, because its functions spell that name."""

from collections.abc import Callable
from typing import Any

import pytest

from tenantry.contents.schema_copy import copy_schema
from tenantry.domain.errors import Conflict, DatabaseUnavailable
from tenantry.domain.operation import Operation
from tenantry.domain.tenant import Isolation, TenantId, owner_role
from tenantry.homes import swapping
from tenantry.operations.operations import Step
from tenantry.restores import swap_schema
from tests.integration.homes.conftest import new_id
from tests.integration.restores.conftest import ROWS, Cut, Vault, dying_after
from tests.integration.restores.naming import DAMAGE, NAMING, STATE

SHARED = "tenantry_schemas"
SUM, DAMAGED = 30, 10


def add(vault: Vault) -> TenantId:
    tenant = vault.add(Isolation.SCHEMA)
    run(vault, tenant, NAMING)
    return tenant


def run(vault: Vault, tenant: TenantId, script: str) -> list[Any]:
    return vault.run_as(tenant, script.replace("{s}", vault.credentials(tenant).schema))


def test_what_its_functions_say_is_what_was_backed_up(vault: Vault) -> None:
    """The drill, the restore, its undo, and the restore of a schema that its owner has dropped."""
    tenant = add(vault)
    before, rows = run(vault, tenant, STATE), vault.run_as(tenant, ROWS)
    assert before[0][1:3] == (SUM, 100)
    backup = vault.back_up(tenant)
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    run(vault, tenant, DAMAGE)
    damaged = run(vault, tenant, STATE)
    assert (damaged[0][1:3], damaged[0][3]) == ((DAMAGED, 7), [f"({DAMAGED},t)"])
    done = vault.perform_well(vault.start(backup))
    assert run(vault, tenant, STATE) == before
    assert done.facts["refused_ms"] > 0
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert run(vault, tenant, STATE) == damaged
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    assert (run(vault, tenant, STATE), vault.run_as(tenant, ROWS)) == (before, rows)
    run(vault, tenant, "DROP SCHEMA {s} CASCADE")
    vault.perform_well(vault.start(backup))
    assert (run(vault, tenant, STATE), vault.leftovers(tenant)) == (before, [])
    # And what it does from now on: trigger, check and default are its own.
    assert run(vault, tenant, "INSERT INTO {s}.sales (amount) VALUES (30) RETURNING kind, level, note") == [
        (f"{tenant} of 2", 0, "100")
    ]


# Where a worker dies while nobody is let in, by the name under which that is called.
WITHIN: dict[str, Callable[[pytest.MonkeyPatch, Any], None]] = {
    "away": lambda patch, end: patch.setattr(swapping, "give_way", end(swapping.give_way)),
    "carried": lambda patch, end: patch.setattr(swap_schema, "copy_schema", end(copy_schema)),
    "granted": lambda patch, end: patch.setattr(swap_schema.SchemaSwap, "_grant", end(swap_schema.SchemaSwap._grant)),
    "let in": lambda patch, end: patch.setattr(swap_schema.SchemaSwap, "finish", end(swap_schema.SchemaSwap.finish)),
}


def dying(error: type[BaseException]) -> Callable[[Any], Any]:
    def end(real: Any) -> Any:
        def run_and_die(*arguments: Any, **named: Any) -> None:
            real(*arguments, **named)
            raise error

        return run_and_die

    return end


def test_a_worker_that_dies_while_it_is_carried_is_followed_by_another(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = add(vault)
    before = run(vault, tenant, STATE)
    backup = vault.back_up(tenant)
    run(vault, tenant, DAMAGE)
    damaged = run(vault, tenant, STATE)

    def die(place: str) -> None:
        with monkeypatch.context() as patch, pytest.raises(Cut):
            WITHIN[place](patch, dying(Cut))
            vault.perform(vault.start(backup))

    for place in ("away", "carried", "granted"):
        die(place)
        vault.perform_well(vault.relocations.undo(tenant, "op-1"))
        assert (run(vault, tenant, STATE), vault.leftovers(tenant)) == (damaged, []), place
    for place in WITHIN:
        die(place)
    # Users were let in: what they have written since is nobody's to take back.
    with pytest.raises(Conflict) as refusal:
        vault.perform(vault.relocations.undo(tenant, "op-1"))
    assert refusal.value.code == "already_switched"
    vault.perform_well(vault.start(backup))
    assert run(vault, tenant, STATE) == before
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert run(vault, tenant, STATE) == damaged


@pytest.mark.parametrize("has_home", [True, False], ids=["beside", "lost"])
def test_what_fails_while_it_is_carried_is_taken_back_at_once(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, has_home: bool
) -> None:
    tenant = add(vault)
    before = run(vault, tenant, STATE)
    backup = vault.back_up(tenant)
    run(vault, tenant, DAMAGE if has_home else "DROP SCHEMA {s} CASCADE")
    damaged = run(vault, tenant, STATE) if has_home else []
    for place in ("away", "granted"):
        with monkeypatch.context() as patch, pytest.raises(DatabaseUnavailable):
            WITHIN[place](patch, dying(DatabaseUnavailable))
            vault.perform(vault.start(backup))
        assert vault.leftovers(tenant) == []
        if has_home:
            assert run(vault, tenant, STATE) == damaged
        else:
            assert not swapping.has_schema(vault.servers.connector("here"), SHARED, tenant.value)
    vault.perform_well(vault.start(backup))
    assert run(vault, tenant, STATE) == before


@pytest.mark.parametrize("after", ["prepare", "swap"])
def test_what_the_former_version_had_carried_beside_ends_well(vault: Vault, after: str) -> None:
    """It carried the schema beside, under another name, and renamed both: until then it is carried anew."""
    tenant = vault.add(Isolation.SCHEMA)
    before = vault.run_as(tenant, ROWS)
    backup = vault.back_up(tenant)
    vault.run_as(tenant, "DELETE FROM candidates WHERE id % 2 = 0")
    operation = vault.start(backup)
    with pytest.raises(Cut):
        vault.perform(operation, dying_after("prepare"))
    staging, connect = f"{tenant}_restore_{operation.operation_id[-10:].lower()}", vault.servers.connector("here")
    swapping.rename_schema(connect, staging, owner_role(tenant), tenant.value, staging)
    if after == "prepare":
        swapping.make_schema(connect, SHARED, staging, owner_role(tenant))
        done = "prepare"
    else:
        # It lives in what was restored already, and has written since.
        kept = f"{tenant}_before_{operation.operation_id[-10:].lower()}"
        vault.run_as(tenant, "UPDATE candidates SET name = 'since'")
        swapping.make_schema(connect, SHARED, kept, owner_role(tenant))
        before = vault.run_as(tenant, ROWS)
        done = "keep"
    with pytest.raises(Cut):
        vault.perform(operation, forgetting_until(done))
    vault.perform_well(operation)
    assert vault.run_as(tenant, ROWS) == before
    assert vault.tenant(tenant).former_home
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    assert vault.leftovers(tenant) == []


def forgetting_until(name: str) -> Callable[[Step], Step]:
    """Record the steps before and this one without doing them, as the former version had done them; then die."""

    def wrap(step: Step) -> Step:
        order = ("prepare", "keep", "carry")
        if step.name not in order:
            return step
        is_done = order.index(step.name) <= order.index(name)

        def skip(_: Operation) -> dict[str, Any]:
            if not is_done:
                raise Cut
            return {"closed_at": 0.0}

        return step._replace(run=skip)

    return wrap


def test_another_name_is_refused_where_functions_spell_it(vault: Vault) -> None:
    """A rename and a new tenant would get functions that read the schema of another name, and get nothing instead."""
    tenant, other = add(vault), new_id("n")
    vault.made.append(other)
    backup = vault.back_up(tenant)
    with pytest.raises(Conflict) as refusal:
        vault.perform(vault.start(backup, into=other))
    assert refusal.value.code == "schema_named"
    named = str(refusal.value.details).split(", ")
    assert {"function total", "function is_norm", "function level", "view totals", "trigger counted"} <= set(named)
    # Of what was kept by its number nothing is named.
    assert not [name for name in named if name.startswith(("index", "constraint", "table"))]
    assert not swapping.has_schema(vault.servers.connector("here"), SHARED, other.value)


def test_a_single_table_beside_is_what_was_backed_up(vault: Vault) -> None:
    """The live function that computes a column says something else by now: the copy's column keeps its values."""
    tenant = add(vault)
    backup = vault.back_up(tenant)
    wanted = {"tables": (f"{tenant}.sales",)}
    before = run(vault, tenant, "SELECT * FROM {s}.sales ORDER BY 1")
    run(vault, tenant, "CREATE OR REPLACE FUNCTION {s}.norm() RETURNS int LANGUAGE sql AS 'SELECT 20'")
    facts = vault.perform_well(vault.start(backup, **wanted)).facts
    assert any(told.startswith("default value for ") for told in facts["left_out"])
    assert run(vault, tenant, f'SELECT * FROM "{facts["restored_schema"]}".sales ORDER BY 1') == before


def test_a_schema_that_became_a_database_is_restored_as_it_is(vault: Vault) -> None:
    """Also when its secret is lost, which knew that its schema is not `public`."""
    tenant = add(vault)
    vault.perform_well(vault.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    before = run(vault, tenant, STATE)
    backup = vault.back_up(tenant)
    assert vault.scratches().drill(vault.order(backup)).findings.differing == []
    run(vault, tenant, DAMAGE)
    vault.world.secrets.delete(tenant)
    vault.perform_well(vault.start(backup))
    assert vault.credentials(tenant).schema == tenant.value
    assert run(vault, tenant, STATE) == before
