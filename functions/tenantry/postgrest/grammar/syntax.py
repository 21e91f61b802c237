"""The parsed form of a request's URL. Its names are unquoted: only the modules that write SQL quote them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class JsonArrow:
    """One arrow of a JSON path: a key, or an index of an array; `as_text` is the arrow `->>`."""

    key: str | int
    as_text: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or the part of its JSON value at a path."""

    name: str
    path: tuple[JsonArrow, ...] = ()


STAR = Field("*")


@dataclass(frozen=True, slots=True)
class SelectItem:
    """A column of the answer; `STAR` means all columns. Casts are type names that are safe as SQL.

    `aggregate` is one of the grammar's own words (sum, avg, count, max, min); `aggregate_cast` applies to its result.
    """

    field: Field
    alias: str | None = None
    cast: str | None = None
    aggregate: str | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """A related table in `select`: `alias:name!hint!inner(items)`, or `...name(items)`, which spreads its columns."""

    name: str
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False
    items: tuple["SelectItem | Embed", ...] = ()

    @property
    def key(self) -> str:
        """The name of the embedded table in the answer."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Filter:
    """`field operator value`.

    `comparison` comes from the grammar's own tables, never from the URL, and has a `%s` in the place of the
    placeholder. A `value` of None means that the comparison needs none, like IS NULL. `language` is the configuration
    of a text search.
    """

    field: Field
    comparison: str
    value: str | None = None
    negated: bool = False
    is_search: bool = False
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Logic:
    """A tree of conditions: `and` or `or` over its parts."""

    word: str
    parts: tuple["Logic | Filter", ...]
    negated: bool = False


Condition = Filter | Logic


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """A sort key; `direction` is SQL from the grammar's own table; `relation` names the embedded table it is of."""

    field: Field
    direction: str
    relation: str | None = None


@dataclass(slots=True)
class Window:
    """Which rows are wanted; a `limit` of None means all."""

    limit: int | None = None
    offset: int = 0


@dataclass(slots=True)
class Node:
    """What was asked of one table: of the root, or of an embedded table under the path of its name."""

    conditions: list[Condition] = field(default_factory=list)
    order: tuple[OrderTerm, ...] = ()
    window: Window = field(default_factory=Window)
