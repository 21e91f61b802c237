"""How many of a tenant's backups are kept."""

import re
from dataclasses import dataclass, fields

from tenantry.domain.errors import InvalidSetting

_ENTRY = re.compile(r"([a-z_]+)=([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """The number of hours, days, weeks, months and years of which the newest verified backup is kept.

    Only periods with a verified backup count. An unverified backup is kept for at least `unverified_days`. That is
    longer than a month: every tenant is drilled once a month, so by then a newer backup has been verified instead.
    """

    hourly: int = 0
    daily: int = 7
    weekly: int = 4
    monthly: int = 12
    yearly: int = 0
    unverified_days: int = 35


def parse_policy(text: str) -> RetentionPolicy:
    """Read `daily=7,weekly=4,…`; fields that are left out have the defaults of `RetentionPolicy`.

    :raises InvalidSetting: the text is malformed.
    """
    known = {field.name for field in fields(RetentionPolicy)}
    found: dict[str, int] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        match = _ENTRY.fullmatch(entry)
        if not match or match[1] not in known:
            raise InvalidSetting("RETENTION has to be like daily=7,weekly=4,monthly=12.")
        found[match[1]] = int(match[2])
    return RetentionPolicy(**found)
