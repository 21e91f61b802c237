"""What a tenant's database holds, as far as a request can need it: tables, keys, functions.

Names are raw everywhere. Types are SQL as PostgreSQL's own `format_type` wrote it under an empty search path, so they
are qualified and quoted, and the only text of the catalogue that goes into a statement as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A table, view or function: its schema and its name."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` is written without a modifier, `base_type` is what a domain stands on, else the same.

    `default` is an SQL expression of the database's own; for an identity column it is its sequence's `nextval`.
    """

    name: str
    type: str
    base_type: str = ""
    nullable: bool = True
    default: str | None = None
    max_length: int | None = None
    enum: tuple[str, ...] = ()
    comment: str | None = None


# Every table has them, and the catalogue lists none of them.
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view of an exposed schema. A view's key is that of the table whose key it shows whole.

    `computed` are the names of functions that take one of its rows: they can be read as columns are.
    """

    name: Name
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()
    is_view: bool = False
    insertable: bool = True
    updatable: bool = True
    deletable: bool = True
    comment: str | None = None
    computed: frozenset[str] = frozenset()


class Cardinality(StrEnum):
    """How many rows of the target belong to one of the origin."""

    MANY_TO_ONE = "many-to-one"
    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


@dataclass(frozen=True, slots=True)
class Junction:
    """The table between two others: which of its columns point at the origin's and the target's, by which keys."""

    table: Name
    origin_constraint: str
    target_constraint: str
    # (column of the origin, column of the junction), (column of the target, column of the junction)
    origin_columns: tuple[tuple[str, str], ...]
    target_columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Relationship:
    """A way from `origin` to `target`.

    By a foreign key: `columns` are pairs of (column of the origin, column of the target) in the key's order. By a
    junction: `columns` is empty. By a function that takes a row of the origin: `function` is set, all else is empty.
    """

    origin: Name
    target: Name
    cardinality: Cardinality
    constraint: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    junction: Junction | None = None
    function: Name | None = None
    origin_is_view: bool = False
    target_is_view: bool = False

    @property
    def is_self(self) -> bool:
        """Whether both ends are the same table."""
        return self.origin == self.target

    @property
    def is_to_one(self) -> bool:
        """Whether at most one row of the target belongs to a row of the origin."""
        return self.cardinality in (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_ONE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument that goes into a function; `type` takes any length, so nothing is cut off silently."""

    name: str
    type: str
    required: bool = True
    variadic: bool = False


class Volatility(StrEnum):
    """What a function may do, in `pg_proc`'s letters."""

    IMMUTABLE = "i"
    STABLE = "s"
    VOLATILE = "v"


@dataclass(frozen=True, slots=True)
class Routine:
    """A function. `returns` names what comes back: the table whose rows they are, or a type.

    `composite`: its rows have columns (a table's, or of OUT parameters); otherwise it gives plain values.
    """

    name: Name
    parameters: tuple[Parameter, ...] = ()
    returns: Name = field(default=Name("pg_catalog", "void"))
    returns_set: bool = False
    composite: bool = False
    volatility: Volatility = Volatility.VOLATILE
    comment: str | None = None
    # Of pg_proc; 0 is not known.
    oid: int = field(default=0, compare=False)

    @property
    def returns_void(self) -> bool:
        """Whether there is nothing to answer."""
        return not self.returns_set and self.returns == Name("pg_catalog", "void")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is exposed. Read as the login, which sees every name: what a caller may do, PostgreSQL says each time.

    `relationships` are keyed by their origin, `routines` by their name (more than one: overloaded, fewest parameters
    first). Both are of exposed schemas only; a key's path may not lead through a table that is not exposed.
    """

    schemas: tuple[str, ...]
    tables: Mapping[Name, Table]
    relationships: Mapping[Name, tuple[Relationship, ...]]
    routines: Mapping[Name, tuple[Routine, ...]]
