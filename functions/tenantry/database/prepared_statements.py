"""What a connection has prepared: each statement once for each shape, under a name that is never used again."""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import count
from typing import Final

_MAX_PREPARED = 64
# Of their texts together: the server keeps some hundred bytes for each, and a process has little memory.
_MAX_CHARACTERS = 200_000
# From the sixth time on PostgreSQL may take a plan for any values: it shows placeholders, and estimates alike for all.
_WITH_VALUES = "SET LOCAL plan_cache_mode=force_custom_plan;"


class PreparedStatements:
    """Bounded, least recently used first to go."""

    # Never used twice, even after a failure that leaves open whether the server knows the name.
    _names: Final = count(1)

    def __init__(self) -> None:
        """Start with none."""
        self._prepared: OrderedDict[tuple[str, str], str] = OrderedDict()
        # Names that the server may or may not know, because the message that prepared them failed.
        self._abandoned = 0
        self._characters = 0

    def execution(self, text: str, arity: int, words: Sequence[str] = (), path: str = "") -> tuple[str, bool]:
        """Write the SQL that prepares a statement where it is not known yet, and executes it.

        :param words: what stands behind EXPLAIN, where the statement is to be explained, as it is for these values.
        :param path: where its unqualified names are looked up: its parameters keep the types that were found there.
        :return: SQL with `%s` for each of its values, and whether it was known.
        """
        name = self._prepared.get((text, path))
        known = name is not None
        parts = []
        if name is None:
            name = f"tenantry_{next(self._names)}"
            parts += self._evict(len(text))
            # psycopg2 fills in `%s`, so a percent sign of the statement's own is doubled.
            parts.append(f"PREPARE {name} AS {text.replace('%', '%%')};")
            self._prepared[text, path] = name
            self._characters += len(text)
        else:
            self._prepared.move_to_end((text, path))
        if words:
            parts.append(f"{_WITH_VALUES}EXPLAIN ({', '.join(words)}) ")
        placeholders = f"({','.join(['%s'] * arity)})" if arity else ""
        parts.append(f"EXECUTE {name}{placeholders}")
        return "".join(parts), known

    def arguments(self, values: tuple[str | None, ...]) -> tuple[str | None, ...]:
        """Give the values in the order of `execution`."""
        return values

    def abandon(self, text: str, path: str = "") -> None:
        """Take note that the message which prepared a statement failed, or that its types may not be true any more."""
        if self._prepared.pop((text, path), None):
            self._characters -= len(text)
        self._abandoned += 1

    def forget(self) -> None:
        """Forget all of them, as when the server says that it does not know one."""
        self._prepared.clear()
        self._abandoned = self._characters = 0

    def renew(self) -> None:
        """Have each prepared anew, because what it was made of has changed; the server drops them with the next one."""
        self.forget()
        self._abandoned = _MAX_PREPARED

    def _evict(self, length: int) -> list[str]:
        if self._abandoned >= _MAX_PREPARED:
            self.forget()
            return ["DEALLOCATE ALL;"]
        parts = []
        room = _MAX_CHARACTERS - length
        while self._prepared and (len(self._prepared) >= _MAX_PREPARED or self._characters > room):
            (text, _), name = self._prepared.popitem(last=False)
            self._characters -= len(text)
            parts.append(f"DEALLOCATE {name};")
        return parts
