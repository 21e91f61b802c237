"""The `limit` and `offset` parameters."""

import re

from tenantry.domain.errors import BadRequest
from tenantry.postgrest.refusals import stopped

_count = re.compile(r"[0-9]{1,18}", re.ASCII).fullmatch  # 18 digits always fit a bigint
_negative = re.compile(r"-[0-9]+", re.ASCII).fullmatch


def parse_count(parameter: str, text: str) -> int:
    """Parse a number of rows. Raises GrammarError, and BadRequest with PGRST103 for a negative number."""
    if _count(text):
        return int(text)
    if _negative(text):
        raise BadRequest(
            "the requested range cannot be satisfied",
            code="PGRST103",
            details=f"{parameter} must be zero or more",
        )
    raise stopped(f"{parameter} parameter", text, 0, "a number of at most 18 digits")
