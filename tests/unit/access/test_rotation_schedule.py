"""The schedule of each tenant's rotations."""

import re
from collections import Counter

import pytest

from tenantry.access.rotation import rotation_schedule
from tenantry.domain.errors import (
    BadRequest,
)
from tenantry.domain.tenant import TenantId

CRON = re.compile(r"cron\(0 (\d+) (\S+) (\S+) (\S+) \*\)")


def parts(tenant: str, days: int) -> tuple[str, ...]:
    rules = rotation_schedule(TenantId(tenant), days)
    match = CRON.fullmatch(rules["ScheduleExpression"])
    assert match
    assert rules["Duration"] == "1h"
    assert 0 <= int(match[1]) <= 23
    return match.groups()


def test_a_fleet_rotates_spread_over_hours_and_days() -> None:
    monthly = [parts(f"tenant-{number}", 30) for number in range(2000)]
    assert {day for _, day, _, _ in monthly} == {str(day) for day in range(1, 29)}
    assert {hour for hour, *_ in monthly} == {str(hour) for hour in range(24)}
    assert {months for _, _, months, _ in monthly} == {"1/1"}
    # 672 hours for 2,000 tenants: three in each on average, and nowhere a crowd.
    assert Counter(monthly).most_common(1)[0][1] <= 15
    assert parts("tenant-1", 30) == parts("tenant-1", 30)


@pytest.mark.parametrize(
    ("days", "pattern"),
    [
        (1, r"\* \* \?"),
        (6, r"\* \* \?"),
        (7, r"\? \* [A-Z]{3}"),
        (29, r"\? \* [A-Z]{3}"),
        (45, r"\d+ 1/1 \?"),
        (90, r"\d+ [123]/3 \?"),
        (150, r"\d+ [1234]/4 \?"),
        (1000, r"\d+ \d+/12 \?"),
    ],
)
def test_a_schedule_is_never_rarer_than_asked_for(days: int, pattern: str) -> None:
    assert re.fullmatch(pattern, " ".join(parts("mycompany", days)[1:]))


def test_a_schedule_of_no_days_is_refused() -> None:
    with pytest.raises(BadRequest):
        rotation_schedule(TenantId("mycompany"), 0)
