"""Writes values into a table for a spreadsheet, which is to show them and not to compute them."""

from typing import Any, Final

# What a spreadsheet takes for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_cell(value: Any) -> Any:
    """Put an apostrophe before what a spreadsheet would compute, and write what is true or not as JSON does."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
