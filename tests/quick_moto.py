"""Makes moto's DynamoDB answer in half the time: the tests read from it tens of thousands of times.

moto looks for each of the ten kinds of a value (a string, a number, a map …) under four spellings of its name, and asks
its classes for their methods anew at each call. What it answers stays the same.
"""

import functools
from typing import Any

from moto.core import responses, serialize, utils

_VALUE = "AttributeValue"
_structure = serialize.ResponseSerializer._serialize_type_structure


def _serialize_type_structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """Serialize a structure; of an attribute's value, the kinds that it has."""
    if shape.name != _VALUE or not key or type(value) is not dict:
        _structure(self, serialized, value, shape, key)
        return
    kinds: dict[str, Any] = {}
    for kind, member in value.items():
        self._serialize(kinds, member, shape.members[kind], kind)
    self._default_serialize(serialized, kinds, shape, key)


def make_moto_quick() -> None:
    """Do so for this process; once is enough."""
    serialize.ResponseSerializer._serialize_type_structure = _serialize_type_structure  # type: ignore[method-assign]
    responses.method_names_from_class = functools.cache(utils.method_names_from_class)  # type: ignore[attr-defined]
