"""Resolves the CloudFormation intrinsic functions that an API definition uses."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from local.errors import LocalStackError

type Json = Any

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)}")


class Resolver:
    """Replaces intrinsic functions by their values."""

    def __init__(self, names: Mapping[str, str], conditions: Mapping[str, Json]) -> None:
        """`names` are parameters, pseudo parameters and physical ids, by the names that `Ref` uses."""
        self._names = names
        self._conditions = conditions
        self._functions: dict[str, Callable[[Json], Json]] = {
            "Ref": self._name,
            "Fn::Sub": self._substitute,
            "Fn::Join": self._join,
            "Fn::If": self._choose,
            "Fn::Equals": self._equals,
            "Fn::Not": lambda given: not self.resolve(given[0]),
            "Fn::And": lambda given: all(map(self.resolve, given)),
            "Fn::Or": lambda given: any(map(self.resolve, given)),
            "Condition": lambda name: self.resolve(self._conditions[name]),
        }

    def resolve(self, value: Json) -> Json:
        """Resolve a value, recursively. :raises LocalStackError: a name is unknown."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            function, argument = next(iter(value.items()))
            if function in self._functions:
                return self._functions[function](argument)
        return {key: self.resolve(item) for key, item in value.items()}

    def _name(self, name: str) -> str:
        if name not in self._names:
            raise LocalStackError(f"The API definition refers to {name!r}, which the local stack cannot resolve")
        return self._names[name]

    def _substitute(self, given: Json) -> str:
        text, local = (given, {}) if isinstance(given, str) else given
        own = {key: str(self.resolve(item)) for key, item in local.items()}

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            return f"${{{name}}}" if literal else own.get(name) or self._name(name)

        return _VARIABLE.sub(replace, text)

    def _join(self, given: Json) -> str:
        separator, items = given
        return str(separator).join(str(self.resolve(item)) for item in items)

    def _choose(self, given: Json) -> Json:
        condition, when_true, when_false = given
        return self.resolve(when_true if self.resolve(self._conditions[condition]) else when_false)

    def _equals(self, given: Json) -> bool:
        left, right = self.resolve(given)
        return str(left) == str(right)
