"""The `select` parameter, which nests, and the parameters that are lists of names: `columns` and `on_conflict`."""

import re
from collections.abc import Iterable

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.casts import read_type
from tenantry.postgrest.grammar.fields import FIELD_NAME, PATH, read_field
from tenantry.postgrest.grammar.syntax import STAR, Embed, Field, SelectItem
from tenantry.postgrest.names import NAME, read_name
from tenantry.postgrest.refusals import beyond, stopped

EVERYTHING = (SelectItem(STAR),)

_CAST = r"[\w $]++(?:\([0-9 ,]*+\))?+[ ]*+(?:\[\])?+"
_AGGREGATE = rf"\.(sum|avg|count|max|min)\(\)(?:::({_CAST}))?+"
_HINTS = rf"((?:!(?:{NAME})){{0,2}}+)"
_WORD = "[A-Za-z_][A-Za-z0-9_]*+"
_plain_items = re.compile(rf"{_WORD}(?::{_WORD})?+(?:,{_WORD}(?::{_WORD})?+)*+").fullmatch
_star = re.compile(r"[ \t]*+\*[ \t]*+").match
_count = re.compile(rf"[ \t]*+(?:({NAME}):(?!:))?count\(\)(?:::({_CAST}))?+[ \t]*+").match
_embed = re.compile(rf"[ \t]*+(?:(\.\.\.)|(?:({NAME}):(?!:))?)({NAME}){_HINTS}\(").match
_field = re.compile(
    rf"[ \t]*+(?:({NAME}):(?!:))?({NAME})({PATH})[ \t]*+(?:::({_CAST}))?+(?:{_AGGREGATE})?+[ \t]*+"
).match
_hint = re.compile(rf"!({NAME})").findall
_name_item = re.compile(rf"[ \t]*+({NAME})[ \t]*+(?:,|\Z)").match

Items = tuple[SelectItem | Embed, ...]


def parse_select(text: str, max_items: int, max_depth: int) -> Items:
    """Parse the value of `select`; an empty one means everything, as in PostgREST. Raises GrammarError."""
    if not text or text == "*":
        return EVERYTHING
    if text.count(",") >= max_items:
        raise beyond("items in select", max_items)
    if _plain_items(text):
        return tuple([_plain_item(item) for item in text.split(",")])
    reader = _SelectReader(text, max_depth)
    items = reader.items(0)
    if reader.position < len(text):
        raise stopped("select parameter", text, reader.position, '"," or end of input')
    return items


def _plain_item(item: str) -> SelectItem:
    alias, colon, name = item.rpartition(":")
    return SelectItem(Field(name), alias if colon else None)


def hides(items: Iterable[SelectItem | Embed], field: Field) -> bool:
    """Tell whether something else than a column itself is selected under the column's name."""
    return not field.path and any(
        (item.alias or item.field.name) == field.name and item != SelectItem(field)
        for item in items
        if isinstance(item, SelectItem)
    )


def parse_names(parameter: str, text: str, max_items: int) -> tuple[str, ...]:
    """Parse a list of distinct names, in a fixed order. Raises GrammarError."""
    if text.count(",") >= max_items:
        raise beyond(f"names in {parameter}", max_items)
    names, position, more = set(), 0, True
    while more:
        found = _name_item(text, position)
        if found is None:
            raise stopped(f"{parameter} parameter", text, position, FIELD_NAME)
        names.add(read_name(found[1]))
        position, more = found.end(), found[0].endswith(",")
    return tuple(sorted(names))


class _SelectReader:
    """Reads items from `position` on."""

    def __init__(self, text: str, max_depth: int) -> None:
        self._text = text
        self._max_depth = max_depth
        self.position = 0

    def items(self, depth: int) -> Items:
        """Read a list up to its closing parenthesis, which stays, or the end; `rel()` has none."""
        if depth > self._max_depth:
            raise beyond("levels of embedded tables", self._max_depth)
        items: list[SelectItem | Embed] = []
        if depth and self._text.startswith(")", self.position):
            return ()
        while True:
            items.append(self._item(depth))
            if not self._text.startswith(",", self.position):
                return tuple(items)
            self.position += 1

    def _item(self, depth: int) -> SelectItem | Embed:
        if (found := _star(self._text, self.position)) and self._ends(found.end()):
            return SelectItem(STAR)
        if (found := _count(self._text, self.position)) and self._ends(found.end()):
            return _count_item(found)
        if found := _embed(self._text, self.position):
            return self._embed(found, depth)
        found = _field(self._text, self.position)
        if found is None or not self._ends(found.end()):
            raise self._refuse(found)
        return _field_item(found)

    def _ends(self, position: int) -> bool:
        """Move to the end of an item, if it is one."""
        if position < len(self._text) and self._text[position] not in ",)":
            return False
        self.position = position
        return True

    def _embed(self, found: re.Match[str], depth: int) -> Embed:
        spread, alias, name, hints = found.groups()
        self.position = found.end()
        items = self.items(depth + 1)
        if not self._text.startswith(")", self.position):
            raise stopped("select parameter", self._text, self.position, '"," or ")"')
        self.position += 1
        while self._text.startswith((" ", "\t"), self.position):
            self.position += 1
        words = [read_name(word) for word in _hint(hints)]
        hint = next((word for word in words if word not in ("inner", "left")), None)
        return Embed(
            read_name(name),
            read_name(alias) if alias is not None else None,
            hint,
            inner="inner" in words,
            spread=spread is not None,
            items=items,
        )

    def _refuse(self, found: re.Match[str] | None) -> GrammarError:
        position = found.end() if found else self.position
        expecting = '"->>", "->", "::", ".", ")", "," or end of input' if found else FIELD_NAME
        return stopped("select parameter", self._text, position, expecting)


def _count_item(found: re.Match[str]) -> SelectItem:
    alias, cast = found.groups()
    return SelectItem(
        STAR,
        read_name(alias) if alias is not None else None,
        aggregate="count",
        aggregate_cast=read_type(cast) if cast is not None else None,
    )


def _field_item(found: re.Match[str]) -> SelectItem:
    alias, name, path, cast, aggregate, aggregate_cast = found.groups()
    return SelectItem(
        read_field(name, path),
        read_name(alias) if alias is not None else None,
        read_type(cast) if cast is not None else None,
        aggregate,
        read_type(aggregate_cast) if aggregate_cast is not None else None,
    )
