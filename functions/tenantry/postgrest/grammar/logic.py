"""Trees of conditions: `and=(a.eq.1,or(b.gt.2,not.and(c.is.null,d.in.(1,2))))`."""

import re

from tenantry.postgrest.grammar.fields import PATH, parse_tree_path, read_field
from tenantry.postgrest.grammar.filters import make_filter, read_list, read_operator, refuse_operator
from tenantry.postgrest.grammar.syntax import Condition, Filter, Logic
from tenantry.postgrest.names import NAME
from tenantry.postgrest.refusals import beyond, stopped

WORDS = frozenset({"and", "or"})

_group = re.compile(r"[ \t]*+(not\.)?+(and|or)[ \t]*+\([ \t]*+").match
_field = re.compile(rf"[ \t]*+({NAME})({PATH})[ \t]*+\.").match
_next = re.compile(r"[ \t]*+([,)])[ \t]*+").match
_value = re.compile(r'"((?:[^"\\]++|\\[\s\S])*+)"(?=[,)]|\Z)|(\{[^{}]*+\})|([^,)]*+)').match
_unescape = re.compile(r"\\([\s\S])").sub


def parse_logic(key: str, text: str, max_parts: int, max_items: int) -> tuple[tuple[str, ...], Logic]:
    """Parse one parameter whose last word is `and` or `or`, into the path of embedded tables and the tree.

    :raises GrammarError: with the position of the error.
    """
    words, last = parse_tree_path(key)
    relations = tuple(word for word in words if word != "not")
    reader = _LogicReader(f"{last.name}{text}", max_parts, max_items)
    tree = reader.group()
    if not isinstance(tree, Logic) or reader.position < len(reader.text):
        raise stopped("logic tree", text, reader.position - len(last.name), "end of input")
    return relations, Logic(tree.word, tree.parts, negated="not" in words)


class _LogicReader:
    def __init__(self, text: str, max_parts: int, max_items: int) -> None:
        self.text = text
        self.position = 0
        self._left = max_parts
        self._max_parts = max_parts
        self._max_items = max_items

    def group(self) -> Condition:
        """Read a tree or a filter at the position."""
        self._left -= 1
        if self._left < 0:
            raise beyond("conditions", self._max_parts)
        found = _group(self.text, self.position)
        if found is None:
            return self._filter()
        self.position = found.end()
        parts = [self.group()]
        while self._more():
            parts.append(self.group())
        return Logic(found[2], tuple(parts), negated=found[1] is not None)

    def _more(self) -> bool:
        found = _next(self.text, self.position)
        if found is None:
            raise stopped("logic tree", self.text, self.position, '"," or ")"')
        self.position = found.end()
        return found[1] == ","

    def _filter(self) -> Filter:
        found = _field(self.text, self.position)
        if found is None:
            expecting = "field name, negation operator (not) or logic operator (and, or)"
            raise stopped("logic tree", self.text, self.position, expecting)
        operator = read_operator(self.text, found.end())
        if operator is None:
            raise refuse_operator(self.text, found.end(), "logic tree")
        self.position = operator.end
        operand = self._list() if operator.name == "in" else self._operand()
        return make_filter(read_field(found[1], found[2]), operator, operand, self.text)

    def _list(self) -> str:
        literal, self.position = read_list(self.text, self.position, self._max_items)
        return literal

    def _operand(self) -> str:
        found = _value(self.text, self.position)
        if found is None:
            return ""
        self.position = found.end()
        quoted, array, raw = found.groups()
        if quoted is not None:
            return _unescape(r"\1", quoted)
        return array if array is not None else raw
