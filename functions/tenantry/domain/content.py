"""What a tenant has in one place, in a form that two places can be compared by."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

_NAMED = 10


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `sequence` is the quoted name of the one that fills it, if any does."""

    name: str
    type: str
    generated: bool = False
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a tenant's, its columns in the order of their names."""

    schema: str
    name: str
    columns: tuple[Column, ...]

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns whose values are stored, and not computed from others."""
        return tuple(column for column in self.columns if not column.generated)

    def has_columns_of(self, other: "Table") -> bool:
        """Whether the other has the same columns of the same types."""
        return _shape(self) == _shape(other)


@dataclass(frozen=True, slots=True)
class Sample:
    """Digest one in so many rows of a table, chosen by what is in these columns: the same ones in every copy of it."""

    one_in: int
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableContent:
    """How many rows a table has, and a digest of them (or of a sample) in which their order does not count."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that a tenant has in one place: tables by name, and the state of its sequences.

    What lies in the tenant's main schema goes by its bare name, so that places with different schemas compare.
    """

    tables: Mapping[str, TableContent]
    sequences: Mapping[str, str]

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(table.rows for table in self.tables.values())

    def differences(self, other: "Content") -> list[str]:
        """Name tables whose rows are not the same in both, at most ten."""
        names = sorted(self.tables.keys() | other.tables.keys())
        return [name for name in names if self.tables.get(name) != other.tables.get(name)][:_NAMED]

    def mark(self) -> str:
        """Digest all of it, sequences too: it changes with every change to what is there."""
        digest = hashlib.sha256()
        for name, table in sorted(self.tables.items()):
            digest.update(f"{name}\x00{table.rows}\x00{table.digest}\x00".encode())
        for name, state in sorted(self.sequences.items()):
            digest.update(f"{name}\x00{state}\x00".encode())
        return digest.hexdigest()


def _shape(table: Table) -> tuple[tuple[str, str, bool], ...]:
    return tuple((column.name, column.type, column.generated) for column in table.columns)
