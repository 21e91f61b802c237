"""What the parsers make of a URL. Names in here are raw: only `statements` quotes them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SelectItem:
    """A column of the answer; a `column` of None is `*`. `cast` is a type name that is safe as SQL."""

    column: str | None
    alias: str | None = None
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """`column comparison value`; a `value` of None means that the comparison is complete, such as IS NULL.

    `comparison` comes from the grammar's own tables, never from the URL, and has a `%s` where the
    placeholder goes.
    """

    column: str
    comparison: str
    value: str | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """A sort key; `direction` is the SQL behind the column, from the grammar's own table."""

    column: str
    direction: str
