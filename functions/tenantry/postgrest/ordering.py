"""The `order` parameter: `column.asc|desc.nullsfirst|nullslast`, many separated by commas."""

import re

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.names import FIELD_NAME, NAME, read_name
from tenantry.postgrest.refusals import beyond, stopped, unsupported
from tenantry.postgrest.syntax import OrderTerm

_DIRECTIONS = {None: "", "asc": " ASC", "desc": " DESC"}
_NULLS = {None: "", "nullsfirst": " NULLS FIRST", "nullslast": " NULLS LAST"}

_term = re.compile(rf"[ \t]*+({NAME})[ \t]*+(?:\.(asc|desc))?+(?:\.(nullsfirst|nullslast))?+[ \t]*+(?:,|\Z)").match
_beginning = re.compile(rf"[ \t]*+({NAME})?[ \t]*+(\.(?:asc|desc)(?=\.))?(\.)?").match


def parse_order(text: str, max_terms: int) -> tuple[OrderTerm, ...]:
    """Parse the value of `order`. Raises GrammarError, which says where it stopped."""
    if text.count(",") >= max_terms:
        raise beyond("terms in order", max_terms)
    terms, position, more = [], 0, True
    while more:
        found = _term(text, position)
        if found is None:
            raise _refuse(text, position)
        column, direction, nulls = found.groups()
        terms.append(OrderTerm(read_name(column), _DIRECTIONS[direction] + _NULLS[nulls]))
        position, more = found.end(), found[0].endswith(",")
    return tuple(terms)


def _refuse(text: str, start: int) -> GrammarError:
    beginning = _beginning(text, start)
    if beginning is None or beginning[1] is None:
        return stopped("order", text, start, FIELD_NAME)
    position = beginning.end()
    if text.startswith("->", position):
        return unsupported("a JSON path in order", text)
    if text.startswith("(", position):
        return unsupported("ordering by a related table", text)
    if beginning[3] is None:
        return stopped("order", text, position, 'delimiter (.), "," or end of input')
    if beginning[2] is None:
        return stopped("order", text, position, '"asc", "desc", "nullsfirst" or "nullslast"')
    return stopped("order", text, position, '"nullsfirst" or "nullslast"')
