"""Bounds the memory of a process that reads what tenants' databases send."""

import resource
from typing import Final

# Of what the process may have: the rest is its code, and what belongs to nobody's request.
_SHARE: Final = 0.9


def bound_memory(megabytes: int) -> None:
    """Have an allocation fail that would make the process larger than this; 0 is no limit.

    A database sends errors and announcements of any length, and libpq reads each whole. Without a limit the process
    would be ended, with the connections of all tenants that it serves and without an answer.
    """
    if not megabytes:
        return
    wanted = int(megabytes * _SHARE) << 20
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most == resource.RLIM_INFINITY or wanted <= most:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))
