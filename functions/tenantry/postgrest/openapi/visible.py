"""What a role may see of a catalogue: PostgreSQL says it, and a description keeps to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from tenantry.postgrest.catalogue.model import Column, Name, Routine, Table

# Types that are written in two ways, with and without the length of one that SQL's own word stands for.
_ONE_SPELLING = {"bpchar": "character", '"bit"': "bit"}


@dataclass(frozen=True, slots=True)
class Signature:
    """Tells a function from others of its name: the types of what goes in, in order."""

    name: Name
    types: tuple[str, ...]

    @classmethod
    def of(cls, name: Name, types: Iterable[str]) -> Self:
        """Build it from types as `format_type` writes them, with or without a modifier's place."""
        return cls(name, tuple(map(one_spelling, types)))


@dataclass(frozen=True, slots=True)
class Visible:
    """A role's rights: of each table any of SELECT, INSERT, UPDATE and DELETE, and the functions that it may call.

    A right on one column is a right on its table; `columns` names the columns of the tables of which not all may be
    used. What is in a schema that the role may not use is in none of them.
    """

    tables: Mapping[Name, frozenset[str]]
    routines: frozenset[Signature]
    columns: Mapping[Name, frozenset[str]] = field(default_factory=dict)

    def may(self, privilege: str, table: Name) -> bool:
        """Whether the role has this right on the table or on one of its columns."""
        return privilege in self.tables.get(table, ())

    def calls(self, routine: Routine) -> bool:
        """Whether the role may call this function."""
        return Signature.of(routine.name, (each.type for each in routine.parameters)) in self.routines

    def columns_of(self, table: Table) -> list[Column]:
        """Give the columns that the role may read or write, in the table's order."""
        shown = self.columns.get(table.name)
        return [column for column in table.columns.values() if shown is None or column.name in shown]


def one_spelling(type_name: str) -> str:
    """Give the one way to write a type that may be written in two."""
    element = type_name.removesuffix("[]")
    return _ONE_SPELLING.get(element, element) + type_name[len(element) :]
