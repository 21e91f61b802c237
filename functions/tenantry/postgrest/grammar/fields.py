"""Columns and JSON paths as a URL spells them: `name`, `name->key->>0`, and paths of names with dots between."""

import re

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.syntax import Field, JsonArrow
from tenantry.postgrest.names import NAME, is_ordinary, read_name
from tenantry.postgrest.refusals import stopped

FIELD_NAME = '"*" or a field name (letters, digits, "_", "$", or anything in quotes)'

_KEY = r'(?:"(?:[^"\\]++|\\[\s\S])*+"|[^(\-:.,>)"]++(?:-(?!>)[^(\-:.,>)]++)*+)'
# A number is an index only if the key ends after it: `->1` is an index, `->1a` is a key.
_INDEX = r"-?[0-9]{1,9}(?=->|::|[.,)]|\Z)"
PATH = rf"(?:(?:->>|->)(?:{_INDEX}|{_KEY}))*+"

_steps = re.compile(rf"(->>|->)(?:({_INDEX})|({_KEY}))").finditer
_name = re.compile(NAME).match
_path = re.compile(PATH).match


def read_path(text: str) -> tuple[JsonArrow, ...]:
    """Turn what PATH matched into the steps of a JSON path."""
    return tuple([_step(found) for found in _steps(text)]) if text else ()


def _step(found: re.Match[str]) -> JsonArrow:
    arrow, index, key = found.groups()
    return JsonArrow(int(index) if index is not None else read_key(key), arrow == "->>")


def read_key(token: str) -> str:
    """Return the key of a JSON object that a token stands for."""
    return read_name(token) if token.startswith('"') else token.strip()


def read_field(name: str, path: str) -> Field:
    """Turn what NAME and PATH matched into a field."""
    return Field(read_name(name), read_path(path))


def parse_tree_path(key: str) -> tuple[tuple[str, ...], Field]:
    """Split a parameter's name `relation.relation.field->path`. Raises GrammarError with the position of the error."""
    if is_ordinary(key):
        return (), Field(key)
    relations: list[str] = []
    position = 0
    while True:
        found = _name(key, position)
        if found is None:
            raise stopped("tree path", key, position, FIELD_NAME)
        position = found.end()
        if not key.startswith(".", position):
            break
        relations.append(read_name(found[0]))
        position += 1
    path = _path(key, position)
    end = path.end() if path else position
    if end < len(key):
        raise _no_end(key, end)
    return tuple(relations), read_field(found[0], key[position:end])


def _no_end(key: str, position: int) -> GrammarError:
    return stopped("tree path", key, position, '"->>", "->", delimiter (.) or end of input')
