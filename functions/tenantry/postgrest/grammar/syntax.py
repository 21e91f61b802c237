"""What the parsers make of a request's URL. Names in here are raw: only the modules that write SQL quote them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class JsonArrow:
    """One arrow of a JSON path: a key, or an index of an array; `as_text` is the arrow `->>`."""

    key: str | int
    as_text: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or what lies in it under a JSON path."""

    name: str
    path: tuple[JsonArrow, ...] = ()


STAR = Field("*")


@dataclass(frozen=True, slots=True)
class SelectItem:
    """A column of the answer; `STAR` means all. Casts are type names that are safe as SQL.

    `aggregate` is one of the grammar's own words (sum, avg, count, max, min); `aggregate_cast` is applied behind it.
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
        """The name under which it stands in the answer."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Filter:
    """`field operator value`.

    `comparison` comes from the grammar's own tables, never from the URL, and has a `%s` where the placeholder goes;
    a `value` of None means that it is complete, such as IS NULL. Of a text search, `language` is its configuration.
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
    """A sort key; `direction` is the SQL behind it, from the grammar's own table. `relation`: an embedded table's."""

    field: Field
    direction: str
    relation: str | None = None


@dataclass(slots=True)
class Window:
    """Which rows: `limit` None is all."""

    limit: int | None = None
    offset: int = 0


@dataclass(slots=True)
class Node:
    """What was asked of one table: the root's, or, under the path of its name, an embedded one's."""

    conditions: list[Condition] = field(default_factory=list)
    order: tuple[OrderTerm, ...] = ()
    window: Window = field(default_factory=Window)
