"""Reads a handler's settings from its environment: each field of a frozen model names its variable."""

import os
from collections.abc import Callable
from dataclasses import Field, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from tenantry.domain.errors import InvalidSetting

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

    from _typeshed import DataclassInstance

_READ = "read"


def text(name: str, default: str | None = None) -> Any:
    """Make a field from a text variable, stripped of blanks; without a default, the variable has to be set."""
    return computed(lambda: read_text(name, default))


def number(name: str, default: int) -> Any:
    """Make a field from a variable that is a whole number."""
    return computed(lambda: read_number(name, default))


def computed(read: Callable[[], Any]) -> Any:
    """Make a field from the result of a function, which may read several variables."""
    return field(metadata={_READ: read})


def reader[T: DataclassInstance](model: type[T]) -> "_lru_cache_wrapper[T]":
    """Return a function that reads the model on its first call and caches it.

    The function raises InvalidSetting if a variable is missing or malformed; the message names the variable.
    """

    @cache
    def read() -> T:
        return model(**{each.name: _reader_of(each)() for each in fields(model)})

    return read


def read_text(name: str, default: str | None = None) -> str:
    """Read one variable.

    :raises InvalidSetting: the variable is not set and has no default.
    """
    value = os.environ.get(name, "").strip() or default
    if value is None:
        raise InvalidSetting(f"The environment variable {name} is not set.")
    return value


def read_number(name: str, default: int) -> int:
    """Read one variable that is a whole number.

    :raises InvalidSetting: the text is not a whole number.
    """
    value = read_text(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise InvalidSetting(f"The environment variable {name} must be a whole number.")
    return int(value)


def _reader_of(each: Field[Any]) -> Callable[[], Any]:
    read: Callable[[], Any] = each.metadata[_READ]
    return read
