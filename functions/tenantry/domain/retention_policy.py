"""How many backups of a tenant are kept."""

import re
from dataclasses import dataclass, fields

from tenantry.domain.errors import InvalidSetting

_ENTRY = re.compile(r"([a-z_]+)=([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Of how many hours, days, weeks, months and years that have a verified backup the newest one is kept.

    One that nobody has verified is kept for `unverified_days` at least: longer than a month, in which every tenant has
    had a drill, so that whatever goes unverified has been passed over for a newer one.
    """

    hourly: int = 0
    daily: int = 7
    weekly: int = 4
    monthly: int = 12
    yearly: int = 0
    unverified_days: int = 35


def parse_policy(text: str) -> RetentionPolicy:
    """Read `daily=7,weekly=4,…`; what is left out is as `RetentionPolicy` has it.

    :raises InvalidSetting: it is malformed.
    """
    known = {field.name for field in fields(RetentionPolicy)}
    found: dict[str, int] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        match = _ENTRY.fullmatch(entry)
        if not match or match[1] not in known:
            raise InvalidSetting("RETENTION has to be like daily=7,weekly=4,monthly=12.")
        found[match[1]] = int(match[2])
    return RetentionPolicy(**found)
