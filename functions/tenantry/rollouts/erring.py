"""Tells which tenants' data API answers with more errors than before their schema was changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

# A tenant errs if it has more than twice the errors of before and five: one that had none may have five.
GROWTH: Final = 2
SLACK: Final = 5
# As many are named in a rollout's report.
_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class ErringTenant:
    """A tenant with its counted errors in as much time before and after."""

    tenant_id: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class ErrorComparison:
    """What was found when a wave had soaked: how many tenants err, and the worst of them by name.

    `minutes` were compared, up to the moment `until` (ISO 8601), with as many up to the wave's beginning.
    """

    wave: str
    minutes: int
    until: str
    erring: int = 0
    tenants: tuple[ErringTenant, ...] = ()


def is_erring(before: int, after: int) -> bool:
    """Whether a tenant has become worse by more than chance would have it."""
    return after > before * GROWTH + SLACK


def find_erring(
    tenants: Iterable[str], before: Mapping[str, int], after: Mapping[str, int]
) -> tuple[int, tuple[ErringTenant, ...]]:
    """Return how many of some tenants err, and the worst of them; a tenant that is not in a mapping has no errors."""
    compared = (ErringTenant(name, before.get(name, 0), after.get(name, 0)) for name in {*tenants})
    found = [one for one in compared if is_erring(one.before, one.after)]
    found.sort(key=lambda one: (one.before - one.after, one.tenant_id))
    return len(found), tuple(found[:_MOST_NAMED])


def comparison_from(fields: Mapping[str, Any] | None) -> ErrorComparison | None:
    """Read what `dataclasses.asdict` made of a comparison."""
    if fields is None:
        return None
    return ErrorComparison(**{**fields, "tenants": tuple(ErringTenant(**one) for one in fields["tenants"])})
