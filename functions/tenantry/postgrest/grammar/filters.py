"""Operators: the part after `column=` and, in a tree of conditions, after `column.`."""

import re
from typing import NamedTuple

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.fields import parse_tree_path
from tenantry.postgrest.grammar.patterns import check_pattern, check_patterns
from tenantry.postgrest.grammar.syntax import Field, Filter
from tenantry.postgrest.names import check_value
from tenantry.postgrest.refusals import beyond, stopped

# These operators may be followed by `(any)` or `(all)`, and then take an array.
_QUANTIFIABLE = {
    "eq": "=",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "like": "LIKE",
    "ilike": "ILIKE",
    "match": "~",
    "imatch": "~*",
}
_SIMPLE = {
    "neq": "<>",
    "cs": "@>",
    "cd": "<@",
    "ov": "&&",
    "sl": "<<",
    "sr": ">>",
    "nxr": "&<",
    "nxl": "&>",
    "adj": "-|-",
    "isdistinct": "IS DISTINCT FROM",
}
_SEARCHES = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
_STATES = {
    "null": "IS NULL",
    "not_null": "IS NOT NULL",
    "true": "IS TRUE",
    "false": "IS FALSE",
    "unknown": "IS UNKNOWN",
}
_COMPARISONS = {name: f"{sign} %s" for name, sign in (_SIMPLE | _QUANTIFIABLE).items()}
_ALL = frozenset((*_COMPARISONS, *_SEARCHES, "in", "is"))
_PATTERNS = frozenset({"like", "ilike"})
_EXPRESSIONS = frozenset({"match", "imatch"})
_OPERATOR = '"not" or operator (eq, gt, ...)'
_STATE = "isVal: (null, not_null, true, false, unknown)"

_word = re.compile(r"(not\.)?+([a-z]++)(?:\(([\w $]*+)\))?+\.").match
# One list element: quoted if the closing quote ends it, else everything up to the next comma or parenthesis.
_element = re.compile(r'(?:"((?:[^"\\]++|\\[\s\S])*+)"(?=[,)])|([^,)]*+))([,)])').match
_unescape = re.compile(r"\\([\s\S])").sub
_bare_word = re.compile(r"[a-z]++(?!\.)").match
_blanks = re.compile(r"[ \t]*+").match


class Operator(NamedTuple):
    """An operator as written, and where its value begins. `mark` is the text in parentheses after it."""

    name: str
    negated: bool
    mark: str | None
    end: int


def parse_filter(key: str, text: str, max_list_items: int) -> tuple[tuple[str, ...], Filter]:
    """Parse one parameter that is not reserved, into the path of embedded tables and the filter.

    :raises GrammarError: with the position of the error.
    """
    relations, field = parse_tree_path(key)
    name, dot, operand = text.partition(".")
    comparison = _COMPARISONS.get(name)
    if dot and comparison is not None and name not in _EXPRESSIONS:
        return relations, Filter(field, comparison, _value(name, operand))
    operator = read_operator(text, 0)
    if operator is None:
        raise refuse_operator(text, 0)
    if operator.name == "in":
        listed, end = read_list(text, operator.end, max_list_items)
        if end < len(text):
            raise stopped("filter", text, end, "end of input")
        return relations, make_filter(field, operator, listed, text)
    return relations, make_filter(field, operator, text[operator.end :], text)


def read_operator(text: str, position: int) -> Operator | None:
    """Read `not.`, an operator, its mark and the dot after it; None if no known operator is there."""
    found = _word(text, position)
    if found is None:
        return None
    negated, name, mark = found.groups()
    quantified = name in _QUANTIFIABLE and mark in (None, "any", "all")
    plain = mark is None and (name in _SIMPLE or name in ("in", "is"))
    searches = name in _SEARCHES and mark != ""
    if not (quantified or plain or searches):
        return None
    return Operator(name, negated is not None, mark, found.end())


def make_filter(field: Field, operator: Operator, operand: str, text: str) -> Filter:
    """Build a filter of a field, an operator and its value; `text` is quoted in errors."""
    name, negated, mark, end = operator
    if name == "is":
        return Filter(field, _read_state(text, operand, end), None, negated)
    if name == "in":
        return Filter(field, "= ANY(%s)", operand, negated)
    if name in _SEARCHES:
        language = mark.strip() if mark else None
        return Filter(field, _SEARCHES[name], check_value(operand), negated, is_search=True, language=language)
    if name in _EXPRESSIONS:
        (check_pattern if mark is None else check_patterns)(operand)
    if mark is not None:
        return Filter(field, f"{_QUANTIFIABLE[name]} {mark.upper()}(%s)", _value(name, operand), negated)
    return Filter(field, _COMPARISONS[name], _value(name, operand), negated)


def _value(name: str, operand: str) -> str:
    return check_value(operand.replace("*", "%") if name in _PATTERNS else operand)


def _read_state(text: str, operand: str, position: int) -> str:
    state = _STATES.get(operand.lower())
    if state is None:
        raise stopped("filter", text, position, _STATE)
    return state


def read_list(text: str, position: int, max_items: int) -> tuple[str, int]:
    """Turn `(a,"b,c")` into PostgreSQL's array literal `{"a","b,c"}`; returns it and its end. `()` is an empty list."""
    start = _skip(text, position)
    if not text.startswith("(", start):
        raise stopped("filter", text, start, '"("')
    elements, end = _read_elements(text, start + 1)
    if len(elements) == 1 and not elements[0].strip(" \t") and '"' not in text[start:end]:
        return "{}", _skip(text, end)
    if len(elements) > max_items:
        raise beyond("items in a list", max_items)
    escaped = [check_value(element).replace("\\", "\\\\").replace('"', '\\"') for element in elements]
    return '{"' + '","'.join(escaped) + '"}', _skip(text, end)


def _skip(text: str, position: int) -> int:
    found = _blanks(text, position)
    return found.end() if found else position


def _read_elements(text: str, position: int) -> tuple[list[str], int]:
    elements, more = [], True
    while more:
        found = _element(text, position)
        if found is None:
            raise stopped("filter", text, len(text), '"," or ")"')
        quoted, raw, end = found.groups()
        elements.append(raw if quoted is None else _unescape(r"\1", quoted))
        position, more = found.end(), end == ","
    return elements, position


def refuse_operator(text: str, position: int, what: str = "filter") -> GrammarError:
    """Build the error for a missing operator at `position`."""
    if text.startswith("not.", position):
        position += len("not.")
    found = _bare_word(text, position)
    if found and (found[0] in _ALL or found[0] == "not"):
        return stopped(what, text, found.end(), "delimiter (.)")
    return stopped(what, text, position, _OPERATOR)
