"""The `order` parameter: `field.asc|desc.nullsfirst|nullslast` or `relation(field)…`, separated by commas."""

import re

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.fields import FIELD_NAME, PATH, read_field
from tenantry.postgrest.grammar.syntax import Field, OrderTerm
from tenantry.postgrest.names import NAME, read_name
from tenantry.postgrest.refusals import beyond, stopped

_DIRECTIONS = {None: "", "asc": " ASC", "desc": " DESC"}
_NULLS = {None: "", "nullsfirst": " NULLS FIRST", "nullslast": " NULLS LAST"}
_WORDS = r"(?:\.(asc|desc))?+(?:\.(nullsfirst|nullslast))?+[ \t]*+(?:,|\Z)"

_term = re.compile(rf"[ \t]*+({NAME})({PATH})[ \t]*+{_WORDS}").match
_related = re.compile(rf"[ \t]*+({NAME})\([ \t]*+({NAME})({PATH})[ \t]*+\){_WORDS}").match
_beginning = re.compile(rf"[ \t]*+({NAME})?(?:{PATH})[ \t]*+(\.(?:asc|desc)(?=\.))?(\.)?").match


def parse_order(text: str, max_terms: int) -> tuple[OrderTerm, ...]:
    """Parse the value of `order`. Raises GrammarError with the position of the error."""
    if text.count(",") >= max_terms:
        raise beyond("terms in order", max_terms)
    terms, position, more = [], 0, True
    while more:
        found, term = _read_term(text, position)
        terms.append(term)
        position, more = found.end(), found[0].endswith(",")
    return tuple(terms)


def _read_term(text: str, position: int) -> tuple[re.Match[str], OrderTerm]:
    relation: str | None = None
    found = _term(text, position)
    if found:
        column, path, direction, nulls = found.groups()
    else:
        found = _related(text, position)
        if found is None:
            raise _refuse(text, position)
        relation, column, path, direction, nulls = found.groups()
        relation = read_name(relation)
    field: Field = read_field(column, path)
    return found, OrderTerm(field, _DIRECTIONS[direction] + _NULLS[nulls], relation)


def _refuse(text: str, start: int) -> GrammarError:
    beginning = _beginning(text, start)
    if beginning is None or beginning[1] is None:
        return stopped("order", text, start, FIELD_NAME)
    position = beginning.end()
    if beginning[3] is None:
        return stopped("order", text, position, 'delimiter (.), "," or end of input')
    if beginning[2] is None:
        return stopped("order", text, position, '"asc", "desc", "nullsfirst" or "nullslast"')
    return stopped("order", text, position, '"nullsfirst" or "nullslast"')
