"""How a kind of operation is walked through: a fault at each of its steps, and then what is next."""

from collections.abc import Iterator

from handlers import perform_operation
from tenantry.domain.tenant import TenantId
from tests.integration.operations.conftest import Desk, Fault


def faults(kind: str) -> Iterator[tuple[Fault, int]]:
    """Yield a fault for each step of a kind, and the number of the call that is to be made then.

    Failing and dying take turns, and so do the calls: whether a step is repeated is tested where its room is.
    """
    for number, step in enumerate(perform_operation._performer()._workflows[kind]):
        yield Fault(step.name, ("after", "cut")[number % 2]), (number + number // 2) % 2


def walk(desk: Desk, tenant_id: TenantId, begun: str, fault: Fault, which: int) -> None:
    """Follow what is next, and see that it leads to where nothing holds the tenant."""
    meanings = desk.follow(begun, which)
    try:
        desk.settle(tenant_id)
    except AssertionError as error:
        raise AssertionError(f"{fault}, then {meanings}: {desk.get(begun)}") from error
