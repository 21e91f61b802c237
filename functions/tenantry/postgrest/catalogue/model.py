"""The model of a tenant's database, as far as requests need it: tables, keys, functions.

Names are unquoted everywhere. Types are SQL as PostgreSQL's own `format_type` writes it under an empty search path, so
they are qualified and quoted. Types are the only text of the catalogue that goes into a statement unchanged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """The schema and name of a table, view or function."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """A function that a database converts values with: by its name and the type that it takes, as SQL."""

    function: Name
    takes: str


@dataclass(frozen=True, slots=True)
class Representation:
    """How the values of a domain are shown and read, by its implicit casts; None is as values of its base are."""

    to_json: Conversion | None = None
    from_json: Conversion | None = None
    to_text: Conversion | None = None
    from_text: Conversion | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` has no modifier, `base_type` is the type under a domain and otherwise the same as `type`.

    `default` is an SQL expression from the database; for an identity column, it is the `nextval` of its sequence.
    `default_version` is another after each change of the default, also where there was or is none.
    """

    name: str
    type: str
    base_type: str = ""
    nullable: bool = True
    default: str | None = None
    max_length: int | None = None
    enum: tuple[str, ...] = ()
    comment: str | None = None
    representation: Representation | None = None
    default_version: str = field(default="", compare=False)


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

    @property
    def is_represented(self) -> bool:
        """Whether a column has another form in requests than in the database."""
        return any(column.representation for column in self.columns.values())


class Cardinality(StrEnum):
    """How many rows of the target belong to how many rows of the origin."""

    MANY_TO_ONE = "many-to-one"
    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


@dataclass(frozen=True, slots=True)
class Junction:
    """The table between two others: its columns that point at the origin and at the target, and the foreign keys."""

    table: Name
    origin_constraint: str
    target_constraint: str
    # (column of the origin, column of the junction), (column of the target, column of the junction)
    origin_columns: tuple[tuple[str, str], ...]
    target_columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Relationship:
    """A way from `origin` to `target`, of one of three kinds.

    A foreign key: `columns` are pairs of (column of the origin, column of the target), in the key's order. A junction:
    `columns` is empty. A function that takes a row of the origin: `function` is set, all else is empty.
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
    # Of pg_class, of the target whose rows a function returns; 0 is not known.
    target_oid: int = field(default=0, compare=False)

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
    """A parameter of a function; `type` has no length limit, so PostgreSQL truncates nothing silently."""

    name: str
    type: str
    required: bool = True
    variadic: bool = False


class Volatility(StrEnum):
    """A function's volatility, in the letters of `pg_proc`: only volatile functions may write."""

    IMMUTABLE = "i"
    STABLE = "s"
    VOLATILE = "v"


@dataclass(frozen=True, slots=True)
class Routine:
    """A function. `returns` names its result: the table whose rows it returns, in whatever schema, or a type.

    A table and a type of one schema never have the same name. `composite`: its rows have columns (a table's, or OUT
    parameters); otherwise it returns plain values.
    """

    name: Name
    parameters: tuple[Parameter, ...] = ()
    returns: Name = field(default=Name("pg_catalog", "void"))
    returns_set: bool = False
    composite: bool = False
    volatility: Volatility = Volatility.VOLATILE
    comment: str | None = None
    # Those of its settings that have no effect once its statement has begun, each a name and a value.
    settings: tuple[tuple[str, str], ...] = ()
    # The media type of which it returns one whole answer; empty where it returns rows and values.
    media: str = ""
    # Of pg_proc; 0 is not known.
    oid: int = field(default=0, compare=False)
    # Of pg_class, of what its rows are rows of: a table, a view or a composite type. 0 is none.
    rows_of: int = field(default=0, compare=False)

    @property
    def takes_whole(self) -> bool:
        """Whether its only parameter has no name, so that a whole body is its argument."""
        return len(self.parameters) == 1 and not self.parameters[0].name

    @property
    def returns_void(self) -> bool:
        """Whether the function returns nothing."""
        return not self.returns_set and self.returns == Name("pg_catalog", "void")


@dataclass(frozen=True, slots=True)
class Handler:
    """An aggregate that makes the rows of `takes`, or of anything if that is None, into one whole answer."""

    function: Name
    takes: Name | None
    is_binary: bool
    # Of pg_proc; 0 is not known.
    oid: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that a database exposes.

    It is read as the login, which sees every name; PostgreSQL checks the caller's rights with each statement.

    `relationships` are keyed by their origin, `routines` by their name. Overloads of a name are listed with the fewest
    parameters first. Both hold exposed schemas only, and no relationship leads through a table that is not exposed.
    `handlers` are keyed by what they take, and their media types. `geojson` is PostGIS's function that writes rows as
    GeoJSON. `returned` are tables and views that are not exposed and whose rows functions return: nothing but the names
    of their columns, for who calls such a function may know no more of them.
    """

    schemas: tuple[str, ...]
    tables: Mapping[Name, Table]
    relationships: Mapping[Name, tuple[Relationship, ...]]
    routines: Mapping[Name, tuple[Routine, ...]]
    handlers: Mapping[Name | None, Mapping[str, Handler]] = field(default_factory=dict)
    geojson: Name | None = None
    returned: Mapping[Name, Table] = field(default_factory=dict)

    @property
    def has_own_forms(self) -> bool:
        """Whether even a plain request has to look here, for what its rows are shown as or read from."""
        return bool(self.handlers) or any(table.is_represented for table in self.tables.values())
