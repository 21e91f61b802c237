"""Which answers of the data API count as errors that a change of the schema, or of the service, can bring about.

They are counted for each tenant, and a rollout compares them with what was usual before. So it does no harm that some
are of other causes; what a caller provokes by what it sends, and not by what it believes of the schema, is left out.
"""

from typing import Final

from tenantry.domain.errors import SchemaBehind, TenantMoving

_FAILED: Final = 500
# Refused on purpose and for a while: by what a rollout mends, and by an operator's move.
_ON_PURPOSE: Final = frozenset({SchemaBehind.code, TenantMoving.code})
# The caller names what is not there, is of another type or may not be used. In PostgREST's codes: relationships,
# functions, columns and tables that its catalogue does not have, or has more than one of.
_CLASSES: Final = ("42", "PGRST2")
# A row lacks what has to be there now (NOT NULL), or breaks a rule: of a table (CHECK) or a view (CHECK OPTION).
_RULES: Final = frozenset({"23502", "23514", "44000"})
# No statement of ours is malformed: it is the text of a search, or one that a function has put together.
_SYNTAX: Final = "42601"


def is_counted(code: str, status: int) -> bool:
    """Whether an answer counts: by the `code` of its error, a SQLSTATE or a word of ours, and its HTTP status."""
    if code in _ON_PURPOSE or code == _SYNTAX:
        return False
    return status >= _FAILED or code in _RULES or code.startswith(_CLASSES)
