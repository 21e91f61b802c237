"""What a role may see of a catalogue. PostgreSQL decides it; the OpenAPI document shows only that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from tenantry.postgrest.catalogue.model import Column, Name, Routine, Table

# PostgreSQL spells these types in two ways: with and without the length that SQL's own word implies.
_ONE_SPELLING = {"bpchar": "character", '"bit"': "bit"}


@dataclass(frozen=True, slots=True)
class Signature:
    """Identifies a function among its overloads: its name and the types of its parameters, in order."""

    name: Name
    types: tuple[str, ...]

    @classmethod
    def of(cls, name: Name, types: Iterable[str]) -> Self:
        """Build a signature of types as `format_type` writes them, with a modifier or without one."""
        return cls(name, tuple(map(one_spelling, types)))


@dataclass(frozen=True, slots=True)
class Visible:
    """A role's rights: SELECT, INSERT, UPDATE and DELETE per table, and the functions that it may call.

    A right on one column counts as a right on its table; `columns` names the usable columns of each table that is not
    usable as a whole. Objects in a schema that the role may not use are left out.
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
        """Return the columns that the role may read or write, in the table's order."""
        shown = self.columns.get(table.name)
        return [column for column in table.columns.values() if shown is None or column.name in shown]


def one_spelling(type_name: str) -> str:
    """Return the one spelling that we use for a type with two."""
    element = type_name.removesuffix("[]")
    return _ONE_SPELLING.get(element, element) + type_name[len(element) :]
