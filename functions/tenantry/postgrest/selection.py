"""The `select` parameter (`*`, columns, `alias:column`, `column::cast`) and `columns`, just names."""

import re

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.casts import read_type
from tenantry.postgrest.names import FIELD_NAME, NAME, read_name
from tenantry.postgrest.refusals import beyond, stopped, unsupported
from tenantry.postgrest.syntax import SelectItem

EVERYTHING = (SelectItem(None),)

_CAST = r"[\w ]++(?:\([0-9 ,]*+\))?+[ ]*+(?:\[\])?+"
_item = re.compile(rf"[ \t]*+(?:({NAME}):(?!:))?(?:\*|({NAME})[ \t]*+(?:::({_CAST}))?+)[ \t]*+(?:,|\Z)").match
_plain_items = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+(?:,[A-Za-z_][A-Za-z0-9_]*+)*+").fullmatch
_beginning = re.compile(rf"[ \t]*+(?:{NAME}:(?!:))?(?:{NAME}[ \t]*+(?:::{_CAST})?+)?[ \t]*+").match
_name_item = re.compile(rf"[ \t]*+({NAME})[ \t]*+(?:,|\Z)").match
_AGGREGATES = (".sum()", ".avg()", ".count()", ".max()", ".min()")


def parse_select(text: str, max_items: int) -> tuple[SelectItem, ...]:
    """Parse the value of `select`; an empty one means everything, as in PostgREST. Raises GrammarError."""
    if not text:
        return EVERYTHING
    if text.count(",") >= max_items:
        raise beyond("items in select", max_items)
    if _plain_items(text):
        return tuple(map(SelectItem, text.split(",")))
    return tuple(_read_items(text))


def parse_columns(text: str, max_items: int) -> tuple[str, ...]:
    """Parse the value of `columns` into distinct names, in a fixed order. Raises GrammarError."""
    if text.count(",") >= max_items:
        raise beyond("names in columns", max_items)
    names, position, more = set(), 0, True
    while more:
        found = _name_item(text, position)
        if found is None:
            raise stopped("columns parameter", text, position, FIELD_NAME)
        names.add(read_name(found[1]))
        position, more = found.end(), found[0].endswith(",")
    return tuple(sorted(names))


def _read_items(text: str) -> list[SelectItem]:
    items, position, more = [], 0, True
    while more:
        found = _item(text, position)
        if found is None:
            raise _refuse(text, position)
        items.append(_read_item(found))
        position, more = found.end(), found[0].endswith(",")
    return items


def _read_item(found: re.Match[str]) -> SelectItem:
    alias, column, cast = found.groups()
    if column is None:
        if alias is not None:
            raise stopped("select parameter", found.string, found.end(1) + 1, FIELD_NAME)
        return SelectItem(None)
    return SelectItem(
        read_name(column),
        None if alias is None else read_name(alias),
        None if cast is None else read_type(cast),
    )


def _refuse(text: str, start: int) -> GrammarError:
    """Tell why no item begins at `start`: something of PostgREST's that is to come, or no grammar at all."""
    beginning = _beginning(text, start)
    position = beginning.end() if beginning else start
    rest = text[position:]
    if rest.startswith("..."):
        return unsupported("spreading a related table", text)
    if rest.startswith("->"):
        return unsupported("a JSON path in select", text)
    if rest.startswith(_AGGREGATES) or (rest.startswith("()") and text[start:position].endswith("count")):
        return unsupported("an aggregate in select", text)
    if rest.startswith(("(", "!")) and position > start:
        return unsupported("embedding a related table", text)
    expecting = FIELD_NAME if position == start or text[position - 1] in ":," else '"::", "," or end of input'
    return stopped("select parameter", text, position, expecting)
