"""Filters: `column=operator.value`, with `not.` before the operator."""

import re

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.names import FIELD_NAME, NAME, check_value, is_ordinary, read_name
from tenantry.postgrest.refusals import beyond, stopped, unsupported
from tenantry.postgrest.syntax import Filter

_COMPARISONS = {
    "eq": "= %s",
    "neq": "<> %s",
    "gt": "> %s",
    "gte": ">= %s",
    "lt": "< %s",
    "lte": "<= %s",
    "like": "LIKE %s",
    "ilike": "ILIKE %s",
}
_STATES = {
    "null": "IS NULL",
    "not_null": "IS NOT NULL",
    "true": "IS TRUE",
    "false": "IS FALSE",
    "unknown": "IS UNKNOWN",
}
_PATTERNS = frozenset({"like", "ilike"})
_RANGES = ("cs", "cd", "ov", "sl", "sr", "nxl", "nxr", "adj")
_TO_COME = frozenset(("match", "imatch", "isdistinct", "fts", "plfts", "phfts", "wfts", *_RANGES))
_OPERATOR = '"not" or operator (eq, gt, ...)'
_STATE = "isVal: (null, not_null, true, false, unknown)"

_whole_name = re.compile(NAME).fullmatch
_beginning = re.compile(rf"(?:{NAME})?").match
# One list element: quoted if the closing quote ends it, else everything up to the next comma or parenthesis.
_element = re.compile(r'(?:"((?:[^"\\]++|\\[\s\S])*+)"(?=[,)])|([^,)]*+))([,)])').match
_unescape = re.compile(r"\\([\s\S])").sub


def parse_filter(key: str, text: str, max_list_items: int) -> Filter:
    """Parse one parameter that is not reserved. Raises GrammarError, which says where it stopped."""
    column = key if is_ordinary(key) else _read_column(key)
    name, dot, operand = text.partition(".")
    negated = name == "not" and dot != ""
    if negated:
        name, dot, operand = operand.partition(".")
    if not dot:
        raise _refuse(text, name, negated)
    comparison = _COMPARISONS.get(name)
    if comparison is not None:
        value = operand.replace("*", "%") if name in _PATTERNS else operand
        return Filter(column, comparison, check_value(value), negated)
    if name == "in":
        return Filter(column, "= ANY(%s)", _read_list(text, operand, max_list_items), negated)
    if name == "is":
        return Filter(column, _read_state(text, operand), None, negated)
    raise _refuse(text, name, negated)


def _read_column(key: str) -> str:
    if _whole_name(key):
        return read_name(key)
    beginning = _beginning(key)
    position = beginning.end() if beginning else 0
    if key.startswith("->", position):
        raise unsupported("a JSON path in a filter", key)
    if position and key.startswith(".", position):
        raise unsupported("a parameter of an embedded table", key)
    expecting = "delimiter (.) or end of input" if position else FIELD_NAME
    raise stopped("tree path", key, position, expecting)


def _read_state(text: str, operand: str) -> str:
    state = _STATES.get(operand.lower())
    if state is None:
        raise stopped("filter", text, len(text) - len(operand), _STATE)
    return state


def _read_list(text: str, operand: str, max_items: int) -> str:
    """Turn `(a,"b,c")` into PostgreSQL's array literal `{"a","b,c"}`; `()` is the empty list."""
    start = len(text) - len(operand.lstrip(" \t"))
    if not text.startswith("(", start):
        raise stopped("filter", text, start, '"("')
    elements = _read_elements(text, start + 1)
    if elements == [""] and '"' not in operand:
        return "{}"
    if len(elements) > max_items:
        raise beyond("items in a list", max_items)
    escaped = [check_value(element).replace("\\", "\\\\").replace('"', '\\"') for element in elements]
    return '{"' + '","'.join(escaped) + '"}'


def _read_elements(text: str, position: int) -> list[str]:
    elements, more = [], True
    while more:
        found = _element(text, position)
        if found is None:
            raise stopped("filter", text, len(text), '"," or ")"')
        quoted, raw, end = found.groups()
        elements.append(raw if quoted is None else _unescape(r"\1", quoted))
        position, more = found.end(), end == ","
    if text[position:].strip(" \t"):
        raise stopped("filter", text, position, "end of input")
    return elements


def _refuse(text: str, name: str, negated: bool) -> GrammarError:
    bare, parenthesis, _ = name.partition("(")
    if name in _TO_COME or (parenthesis and bare in _TO_COME):
        return unsupported(f"the operator {bare!r}", text)
    if parenthesis and bare in _COMPARISONS:
        return unsupported(f"{bare!r} with any or all", text)
    start = len("not.") if negated else 0
    if name in _COMPARISONS or name in ("in", "is") or (name == "not" and not negated):
        return stopped("filter", text, start + len(name), "delimiter (.)")
    return stopped("filter", text, start, _OPERATOR)
