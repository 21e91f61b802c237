"""How patient a change is with the locks of others."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a change waits for others' locks in all, and after how many it ends those in its way.

    They are ended where tenants share something, and only if their transactions are older than that. Elsewhere nobody
    is ended: in its own database a tenant is in its own way only.
    """

    seconds: float = 15.0
    ends_after: float = 5.0


DEFAULT_PATIENCE: Final = Patience()
