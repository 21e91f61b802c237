"""What is next follows from an operation and the registry alone; `tests/integration/operations` makes the calls."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tenantry.domain import operation_kinds as kinds
from tenantry.domain.next_calls import Known, NextCall, next_calls, settling_calls
from tenantry.domain.operation import UNDO_UNTIL, UNDONE, Operation, OperationStatus
from tenantry.domain.relocation import DAMAGED, Journey
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId, TenantStatus

HERE = Home("here", Isolation.DATABASE, "acme", "public")
THERE = replace(HERE, server_id="there")
ACME = Tenant(TenantId("acme"), TenantStatus.ACTIVE, Isolation.DATABASE, "here")
HELD = replace(ACME, relocation="1")
JOURNEY = Journey(HERE, THERE).to_facts()
RESTORE = {"archived": "acme", "backup_id": "B", "home": asdict(HERE), "keep_rights": True, "former": None}
API = "/admin/v1/tenants/acme"


def an_operation(kind: str, facts: dict[str, Any] | None = None, *, error: str = "08006", done: str = "") -> Operation:
    now, failed = datetime(2026, 12, 1, tzinfo=UTC), OperationStatus.FAILED
    return Operation("1", kind, "tenant/acme", "op-1", now, failed, tuple(done.split()), error, facts or {})


def finding(*tenants: Tenant, lost: str = "") -> Known:
    known = {each.value: tenant for tenant in tenants for each in (tenant.tenant_id, *tenant.former_ids)}
    return Known(known.get, lambda server: server in lost.split())


def told(operation: Operation, *tenants: Tenant, lost: str = "") -> list[tuple[str | None, str]]:
    return [(call.call, call.meaning) for call in next_calls(operation, finding(*tenants, lost=lost))]


NOTHING = [(None, "nothing to do")]
AGAIN = (f"POST {API}/move", "repeat")
ABANDON = (f"POST {API}/undo", "abandon")


@pytest.mark.parametrize(
    ("operation", "tenant", "expected"),
    [
        (an_operation(kinds.MOVE, JOURNEY), HELD, [AGAIN, ABANDON]),
        (an_operation(kinds.MOVE, JOURNEY, done="prepare fence copy compare"), HELD, [AGAIN]),
        (an_operation(kinds.MOVE, JOURNEY | {"arrived": True}), HELD, [AGAIN]),
        # It was given up, and given back by an abandonment that came too late.
        (an_operation(kinds.MOVE, JOURNEY, error=UNDONE), HELD, [AGAIN]),
        (an_operation(kinds.MOVE, JOURNEY, error=UNDONE), ACME, NOTHING),
        (an_operation(kinds.MOVE, JOURNEY), replace(ACME, relocation="2"), NOTHING),
        (an_operation(kinds.ABANDON, JOURNEY | {"abandoned": "0"}), replace(ACME, relocation="0"), [AGAIN]),
        (an_operation(kinds.ABANDON, JOURNEY | {"abandoned": "0"}), ACME, NOTHING),
        (an_operation(kinds.UNDO, JOURNEY, done="fence look copy compare unlock"), HELD, [(ABANDON[0], "repeat")]),
        (an_operation(kinds.RESTORE, RESTORE), ACME, [(f"POST {API}/backups/B/restore", "repeat")]),
        (an_operation(kinds.RESTORE, RESTORE, error="backup_unknown"), ACME, NOTHING),
        (an_operation(kinds.RESTORE, RESTORE, error="backup_unknown"), HELD, [ABANDON]),
        (an_operation(kinds.RESTORE, RESTORE), replace(ACME, status=TenantStatus.ERASING), NOTHING),
        (an_operation(kinds.ERASE), ACME, NOTHING),
        (an_operation(kinds.RENAME, {"tenant_id": "umbrella"}, error="name_taken"), ACME, NOTHING),
        (an_operation(kinds.RENAME, {"tenant_id": "umbrella"}, error="name_taken"), HELD, [ABANDON]),
        (an_operation(kinds.CLOSE_INSPECTION, {"inspectors": [{"tenant": "gone"}]}), ACME, NOTHING),
        (an_operation("a kind of a later version"), HELD, NOTHING),
    ],
)
def test_what_is_next(operation: Operation, tenant: Tenant, expected: list[tuple[str | None, str]]) -> None:
    assert told(operation, tenant) == expected


@pytest.mark.parametrize("kind", [kinds.MOVE, kinds.RESTORE, kinds.CLONE, kinds.RENAME, kinds.APPLY_RETENTION])
def test_of_a_tenant_that_is_gone_nothing_is_next(kind: str) -> None:
    facts = JOURNEY | RESTORE | {"cloned": "somebody", "tenant_id": "umbrella"}
    assert told(an_operation(kind, facts)) == NOTHING


def test_what_has_succeeded_has_nothing_next() -> None:
    assert next_calls(replace(an_operation(kinds.MOVE, JOURNEY), status=OperationStatus.SUCCEEDED), finding(HELD)) == []


def test_calls_name_the_ids_that_tenants_have_now() -> None:
    umbrella = replace(ACME, tenant_id=TenantId("umbrella"), former_ids=(TenantId("acme"),))
    clone = replace(HELD, tenant_id=TenantId("copy"), status=TenantStatus.PROVISIONING)
    cloning = replace(an_operation(kinds.CLONE, {"cloned": "acme"}), target="tenant/copy")
    first, second = next_calls(cloning, finding(umbrella, clone))
    assert first == NextCall("POST /admin/v1/tenants/umbrella/clone", "repeat", {"tenant_id": "copy"})
    assert second.call == "DELETE /admin/v1/tenants/copy"
    # Its original is busy: then it can only be erased.
    assert told(cloning, replace(umbrella, relocation="2"), clone) == [("DELETE /admin/v1/tenants/copy", "erase")]


def test_a_restore_is_repeated_as_it_was_asked_for() -> None:
    facts = RESTORE | {"keep_rights": False, "former": asdict(HERE), "home": asdict(THERE)}
    (again,) = next_calls(an_operation(kinds.RESTORE, facts), finding(ACME))
    assert again.body == {"tenant_id": "acme", "server_id": "there", "rights": "standard"}
    tables = RESTORE | {"wanted": ["public.a"], "mode": "replace"}
    (again,) = next_calls(an_operation(kinds.RESTORE_TABLES, tables), finding(ACME))
    assert again.body == {"tenant_id": "acme", "tables": ["public.a"], "mode": "replace"}
    new = replace(HELD, tenant_id=TenantId("copy"), status=TenantStatus.PROVISIONING)
    again, erase = next_calls(replace(an_operation(kinds.RESTORE, RESTORE), target="tenant/copy"), finding(ACME, new))
    assert (again.body, erase.meaning) == ({"into": "copy"}, "erase")


def test_what_is_unconfirmed_can_be_settled_while_nothing_holds_the_tenant() -> None:
    moved = replace(ACME, former_home=THERE)
    known = finding()
    assert [call.meaning for call in settling_calls(moved, known)] == ["confirm", "undo"]
    assert settling_calls(replace(moved, relocation="1"), known) == settling_calls(ACME, known) == []
    assert told(an_operation(kinds.MOVE, JOURNEY, done="switch settle"), moved)[0] == (f"POST {API}/confirm", "confirm")


@pytest.mark.parametrize(
    ("lost", "settling", "after_undo", "after_damage"),
    [
        ("", ["confirm", "undo"], ["repeat", "confirm"], ["repeat", "confirm"]),
        # The one place is gone: the other one may be all that there is, and is never offered to be dropped.
        ("here", ["undo"], ["repeat"], ["confirm"]),
        ("there", ["confirm"], ["confirm"], ["confirm"]),
        ("here there", ["confirm"], ["confirm"], ["confirm"]),
    ],
)
def test_of_two_places_the_one_that_is_left_stays(
    lost: str, settling: list[str], after_undo: list[str], after_damage: list[str]
) -> None:
    moved = replace(ACME, former_home=THERE)
    assert [call.meaning for call in settling_calls(moved, finding(lost=lost))] == settling
    held = replace(moved, relocation="1")
    for error, expected in (("08006", after_undo), (DAMAGED, after_damage)):
        undo = an_operation(kinds.UNDO, JOURNEY, error=error)
        assert [meaning for _, meaning in told(undo, held, lost=lost)] == expected


def test_erasing_at_once_is_no_repetition_of_what_waits() -> None:
    """Whoever pastes the first call keeps the tenant; and nobody takes an erasure for a repetition of nothing yet."""
    dying = replace(ACME, status=TenantStatus.ERASING)
    waiting = replace(an_operation(kinds.ERASE, {UNDO_UNTIL: "2026-12-04T00:00:00+00:00"}), error=None)
    waiting = replace(waiting, status=OperationStatus.RUNNING)
    assert [meaning for _, meaning in told(waiting, dying)] == ["keep", "erase"]
    assert [meaning for _, meaning in told(an_operation(kinds.ERASE), dying)] == ["keep", "repeat"]
    assert [meaning for _, meaning in told(an_operation(kinds.ERASE, done="find"), dying)] == ["repeat"]
