"""How long a change waits for the locks of other sessions."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a change waits for others' locks in all, and after how many it ends the blocking sessions.

    It ends sessions only where tenants share something, and only if their transactions are older than `ends_after`
    seconds. In a tenant's own database it ends none, because there a tenant blocks only itself.
    """

    seconds: float = 15.0
    ends_after: float = 5.0


DEFAULT_PATIENCE: Final = Patience()
