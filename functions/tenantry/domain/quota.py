"""How much of a server's disk a tenant may take up, and when it takes up too much."""

from typing import Final

from tenantry.domain.tenant import Limits

_GIB = 1 << 30
# What `Limits.max_bytes` says where the plan decides.
BY_PLAN: Final = -1
_PLAN_BYTES = {"free": _GIB, "standard": 50 * _GIB, "premium": 500 * _GIB}
# A tenant that is over its quota has to come below this share of it again: at the very limit it would go to and fro.
_FREE_AGAIN = 0.95
_NEARLY_FULL = 0.9


def quota_of(limits: Limits) -> int:
    """Return how many bytes a tenant's home may take up; 0 is no limit."""
    if limits.max_bytes == BY_PLAN:
        return _PLAN_BYTES.get(limits.plan, 0)
    return limits.max_bytes


def is_over(size: int, quota: int, *, was_over: bool) -> bool:
    """Tell whether a home of this many bytes is over its quota; one that was has to come below 95 % of it."""
    if not quota:
        return False
    return size >= quota * _FREE_AGAIN if was_over else size > quota


def is_nearly_full(size: int, quota: int) -> bool:
    """Tell whether a home takes up 90 % of its quota, or more."""
    return bool(quota) and size >= quota * _NEARLY_FULL
