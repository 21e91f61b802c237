"""Checks what a run over the fleet is asked for: a slip in an order by hand must not mean everybody, or a deletion."""

from collections.abc import Iterable
from typing import Any, Final

from tenantry.domain.errors import BadRequest, TenantUnknown
from tenantry.domain.tenant import Tenant, TenantId

_TEXTS: Final = ("trigger", "scheduled_at", "execution_id")
_TENANTS: Final = "tenants"
_NAMED_AT_MOST: Final = 5


def check_order(order: Any, flag: str) -> None:
    """Refuse an order that does not say what it means.

    :param order: the input of an execution: nothing, or an object with `trigger`, `scheduled_at`, `execution_id`,
            `tenants` and the flag. Each may be missing.
    :param flag: the one field that is true or false: `all`, or `dry_run`.
    :raises BadRequest: `invalid_order`; the message says what is wrong, and `invalid_tenant_id`.
    """
    if order is None:
        return
    if not isinstance(order, dict):
        raise _invalid("it is a JSON object, or nothing")
    known = {*_TEXTS, _TENANTS, flag}
    if not order.keys() <= known:
        raise _invalid(f"it has no other fields than {', '.join(sorted(known))}")
    for name in _TEXTS:
        if not isinstance(order.get(name, ""), str):
            raise _invalid(f"`{name}` is a text")
    # "true" and 1 look like true, and are not.
    if not isinstance(order.get(flag, False), bool):
        raise _invalid(f"`{flag}` is true or false, without quotes")
    if _TENANTS in order:
        _check_tenants(order[_TENANTS])


def require_known(only: frozenset[str], tenants: Iterable[Tenant]) -> list[Tenant]:
    """Return all tenants as a list.

    :param only: the ids that an order names, if it names any.
    :raises TenantUnknown: one of them is nobody's; the message names it.
    """
    everybody = list(tenants)
    strangers = sorted(only - {tenant.tenant_id.value for tenant in everybody})[:_NAMED_AT_MOST]
    if strangers:
        raise TenantUnknown(f"There is no tenant {', '.join(strangers)}. Nothing was started.")
    return everybody


def _check_tenants(tenants: Any) -> None:
    if not isinstance(tenants, list) or not tenants:
        # An empty list would be everybody.
        raise _invalid("`tenants` is a list of ids; without it everybody is meant")
    for name in tenants:
        TenantId(name if isinstance(name, str) else "")


def _invalid(what: str) -> BadRequest:
    return BadRequest(
        f"The order of the run does not fit: {what}. Nothing was started.",
        code="invalid_order",
        hint="docs/operations.md has examples.",
    )
