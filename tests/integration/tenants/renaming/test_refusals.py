"""Impossible renames are refused with a code, and nothing is changed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tenantry.domain.credentials import Credentials
from tenantry.domain.errors import BadRequest, Conflict, DependencyFailed, NotFound, TenantryError
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import FormerId, Home, Isolation, TenantId, TenantStatus
from tests.integration.homes.conftest import candidate
from tests.integration.tenants.renaming.conftest import Stand, now

OTHER = TenantId("somebody-else")


def refusal(stand: Stand, old: TenantId, new: TenantId) -> str:
    """Return the code with which a rename is refused, and check that registry, secrets and server are unchanged."""

    def state() -> object:
        registry = stand.world.registry
        tenants = sorted(registry.tenants(), key=lambda tenant: tenant.tenant_id)
        return tenants, registry.former_id(new), stand.databases(), stand.roles(old), stand.roles(new)

    before, started = state(), len(stand.invoker.events)
    with pytest.raises(TenantryError) as refused:
        stand.begin(old, new)
    assert isinstance(refused.value, BadRequest | Conflict | NotFound)
    assert (state(), len(stand.invoker.events)) == (before, started)
    return refused.value.code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": TenantStatus.ERASING}, "tenant_erasing"),
        ({"status": TenantStatus.PROVISIONING}, "tenant_incomplete"),
        ({"former_home": Home("local", Isolation.DATABASE, "x", "public")}, "move_unconfirmed"),
        ({"relocation": "01JBXKQ5S0"}, "operation_in_progress"),
    ],
)
def test_a_tenant_that_is_not_settled_keeps_its_id(stand: Stand, change: dict[str, object], code: str) -> None:
    old, new = stand.make(Isolation.SCHEMA, rows=0), stand.free_id()
    tenant = stand.tenant(old)
    stand.world.registry.put_tenant(replace(tenant, **change))  # type: ignore[arg-type]
    assert refusal(stand, old, new) == code
    stand.world.registry.put_tenant(tenant)


def take_tenant(stand: Stand, new: TenantId) -> None:
    stand.world.registry.put_tenant(replace(next(stand.world.registry.tenants()), tenant_id=new))


def take_former_id(stand: Stand, new: TenantId) -> None:
    stand.world.registry.put_former_id(FormerId(new, OTHER, now()))


def take_secret(stand: Stand, new: TenantId) -> None:
    stand.world.secrets.write(new, Credentials("h", 1, "d", "u", "p"))


def take_database(stand: Stand, new: TenantId) -> None:
    stand.world.execute(f'CREATE DATABASE "{new}"')


def take_role(stand: Stand, new: TenantId) -> None:
    stand.world.execute(f'CREATE ROLE "{new}_viewer"')


def take_schema(stand: Stand, new: TenantId) -> None:
    stand.world.execute(f'CREATE SCHEMA "{new}"', "tenantry_schemas")


TAKEN: list[tuple[Callable[[Stand, TenantId], None], str]] = [
    (take_tenant, "tenant_exists"),
    (take_former_id, "tenant_id_retired"),
    (take_secret, "secret_exists"),
    (take_database, "name_taken"),
    (take_role, "name_taken"),
    (take_schema, "name_taken"),
]


@pytest.mark.parametrize(("take", "code"), TAKEN, ids=lambda value: getattr(value, "__name__", value))
def test_a_name_that_is_taken_is_not_given(stand: Stand, take: Callable[[Stand, TenantId], None], code: str) -> None:
    old, new = stand.make(Isolation.SCHEMA, rows=0), stand.free_id()
    take(stand, new)
    try:
        assert refusal(stand, old, new) == code
    finally:
        stand.world.registry.delete_tenant(new)
        stand.world.registry.delete_former_id(new)
        stand.world.execute(f'DROP SCHEMA IF EXISTS "{new}"', "tenantry_schemas")
        stand.world.execute(f'DROP DATABASE IF EXISTS "{new}"')


def test_rows_that_are_left_of_somebody_are_not_taken_over(stand: Stand) -> None:
    old, new = stand.make(Isolation.POOLED), stand.free_id()
    left = "INSERT INTO candidates (tenant_id, name, job_role, email) VALUES ('{}', 'left', 'x', 'left@example.com')"
    stand.world.execute(left.format(new), "tenantry_pool", "tenantry_pool")
    assert refusal(stand, old, new) == "name_taken"
    stand.world.execute(f"DELETE FROM candidates WHERE tenant_id = '{new}'", "tenantry_pool", "tenantry_pool")


def test_ids_that_are_none_reserved_or_the_same(stand: Stand) -> None:
    old = stand.make(Isolation.SCHEMA, rows=0)
    assert refusal(stand, old, old) == "same_id"
    assert refusal(stand, old, TenantId("postgres")) == "reserved_tenant_id"
    assert refusal(stand, TenantId("nobody-here"), stand.free_id()) == "tenant_unknown"


def test_two_at_once_are_one_too_many(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA, rows=0), stand.free_id()
    for busy in (old, new):
        with stand.leases.hold("tenant", busy.value):
            assert refusal(stand, old, new) == "operation_in_progress"


def test_an_id_that_is_taken_after_the_request_is_found_out(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA), stand.free_id()
    names, operation = stand.names(old), stand.begin(old, new)
    take_tenant(stand, new)
    with pytest.raises(Conflict) as refused:
        stand.perform(operation)
    assert refused.value.code == "tenant_exists"
    assert (stand.names(old), stand.tenant(old).relocation) == (names, "")
    stand.world.registry.delete_tenant(new)
    # Of that request nothing was done: another id may be asked for.
    other = stand.free_id()
    stand.rename(old, other)
    stand.assert_renamed(old, other, names)


def test_a_rename_that_has_begun_is_finished_before_the_next(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA), stand.free_id()
    names, operation = stand.names(old), stand.begin(old, new)
    with pytest.raises(DependencyFailed):
        stand.perform(operation, cut_after="rename_roles")
    assert refusal(stand, old, stand.free_id()) == "rename_unfinished"
    stand.perform(operation)
    stand.assert_renamed(old, new, names)


def test_a_reservation_that_was_given_up_is_taken_back(stand: Stand) -> None:
    old, first, second = stand.make(Isolation.SCHEMA), stand.free_id(), stand.free_id()
    names, operation = stand.names(old), stand.begin(old, first)
    with pytest.raises(DependencyFailed):
        stand.perform(operation, cut_after="reserve")
    assert stand.tenant(first).status is TenantStatus.PROVISIONING
    stand.rename(old, second)
    stand.assert_renamed(old, second, names)
    assert stand.world.registry.tenant(first) is None
    # Its worker comes back late, and finds that it was given up.
    assert stand.perform(operation).error == "undone"


def test_a_late_worker_leaves_a_tenant_alone_that_is_renamed_anew_by_now(stand: Stand) -> None:
    old, new = stand.make(Isolation.SCHEMA), stand.free_id()
    names, first = stand.names(old), stand.rename(old, new)
    back = stand.begin(new, old)
    with pytest.raises(DependencyFailed):
        stand.perform(back, cut_before="stop")
    late = replace(first, status=OperationStatus.RUNNING, done=first.done[:-1])
    stand.store.put(late)
    stand.perform(late)
    assert stand.tenant(new).relocation == back.operation_id
    stand.perform(back)
    stand.assert_renamed(new, old, names)
    assert stand.world.call(old, "POST", body=candidate(f"{old}-more")).status == 201
