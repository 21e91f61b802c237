"""A tenant's content in one place, in a form in which two places can be compared."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

LARGE_OBJECTS = "large objects"
_NAMED = 10
_MODULUS = 1 << 64


def content_key(schema: str, name: str) -> str:
    """Return the key of a table or sequence in any home; no two of one home share it, whatever their names.

    :param schema: empty for the tenant's main schema, whose names are unqualified so that homes with different schemas
        can be compared.
    """
    # Without its quotes a name that has some could be read as a schema and a name: `"s".t`.
    plain = quoted(name) if '"' in name else name
    return f"{quoted(schema)}.{plain}" if schema else plain


@dataclass(frozen=True, slots=True)
class ContentColumn:
    """A column of a table; `sequence` is the quoted name of the sequence that fills it, if any.

    `output` is the function of PostgreSQL's that writes its values, if they may be of any length.
    """

    name: str
    type: str
    generated: bool = False
    sequence: str | None = None
    output: str | None = None


# A table's schema and name.
type Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ContentTable:
    """A tenant's table; its columns are sorted by name.

    `roots` are the partitioned tables that it is a partition of; `rehashed_in` is the one among whose partitions its
    rows may lie otherwise in a copy. `oid` and `file` are what it is in one snapshot.
    """

    schema: str
    name: str
    columns: tuple[ContentColumn, ...]
    roots: tuple[Place, ...] = ()
    oid: int = 0
    file: int = 0
    rehashed_in: Place | None = None

    @property
    def place(self) -> Place:
        """Its schema and name."""
        return self.schema, self.name

    @property
    def quoted(self) -> str:
        """Its schema and name as SQL writes them."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def stored(self) -> tuple[ContentColumn, ...]:
        """The columns whose values are stored; generated columns are left out."""
        return tuple(column for column in self.columns if not column.generated)

    def has_columns_of(self, other: "ContentTable") -> bool:
        """Whether the other table has the same columns of the same types."""
        return _shape(self) == _shape(other)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample of one in so many rows, chosen by a hash of these columns: every copy of a table has the same sample."""

    one_in: int
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counting:
    """How to count and digest, which is the same wherever two contents are compared; tables by schema and name.

    `samples`: of these a share of the rows is digested, while all are counted. `copied`: these are digested by the
    lines that COPY writes. `skipped`: these are not read at all. `whole`: rows and large objects are digested each as
    one text, as in backups up to format 2. `large_objects`: in a database of the tenant's own, they are digested too.
    """

    samples: Mapping[Place, Sample] = field(default_factory=dict)
    copied: Collection[Place] = ()
    skipped: Collection[Place] = ()
    whole: bool = False
    large_objects: bool = True


@dataclass(frozen=True, slots=True)
class TableContent:
    """The number of a table's rows, and a digest of the rows (or of a sample) that ignores their order."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Content:
    """All content of a tenant in one place: its tables and the states of its sequences, by `content_key`.

    `large_objects` are counted and digested like the rows of one table; None: there are none.
    """

    tables: Mapping[str, TableContent]
    sequences: Mapping[str, str]
    large_objects: TableContent | None = None
    # Partitions that are compared as one table, by `content_key`: rows may lie in other partitions in a copy.
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows in all tables, and of large objects."""
        return sum(table.rows for table in (*self.tables.values(), self.large_objects) if table)

    def differences(self, other: "Content") -> list[str]:
        """Name the tables whose rows differ, at most ten, and `large objects` if those do."""
        groups = {**other.groups, **self.groups}
        one, two = (together(content.tables, groups) for content in (self, other))
        differing = [name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)][:_NAMED]
        return differing if self.large_objects == other.large_objects else [*differing, LARGE_OBJECTS]

    def mark(self) -> str:
        """Digest everything, including the sequences: any change of the content changes the digest."""
        digest = hashlib.sha256()
        for name, table in sorted(self.tables.items()):
            digest.update(f"{name}\x00{table.rows}\x00{table.digest}\x00".encode())
        for name, state in sorted(self.sequences.items()):
            digest.update(f"{name}\x00{state}\x00".encode())
        if objects := self.large_objects:
            digest.update(f"\x00{objects.rows}\x00{objects.digest}\x00".encode())
        return digest.hexdigest()


def together[K](tables: Mapping[K, TableContent], groups: Mapping[K, K]) -> dict[K, TableContent]:
    """Add up the tables of each group: digests are sums, so that of a group does not say where a row lies."""
    found: dict[K, TableContent] = {}
    for name, table in tables.items():
        before = found.get(groups.get(name, name))
        found[groups.get(name, name)] = _sum(before, table) if before else table
    return found


def quoted(name: str) -> str:
    """Put a name in double quotes, as SQL does."""
    return '"' + name.replace('"', '""') + '"'


def _sum(one: TableContent, other: TableContent) -> TableContent:
    # The digest of what COPY writes is a remainder, too.
    return TableContent(one.rows + other.rows, str((int(one.digest) + int(other.digest)) % _MODULUS))


def _shape(table: ContentTable) -> tuple[tuple[str, str, bool], ...]:
    return tuple((column.name, column.type, column.generated) for column in table.columns)
