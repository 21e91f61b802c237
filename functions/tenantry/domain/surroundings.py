"""What a tenant has made in its home that no dump of the home brings back."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

# A name, after that of its schema; None is the home's main schema.
type Placed = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Cast:
    """A cast: its types, PostgreSQL's letters for how it is done and when, and its function, if it has one."""

    source: Placed
    target: Placed
    method: str
    context: str
    function: Placed | None = None
    arguments: tuple[Placed, ...] = ()
    comment: str | None = None


class Inherited(NamedTuple):
    """What a child table has otherwise than its parents: `kind` is valid, storage or compression, of the `part`.

    `schema` is None for the home's main schema; `value` is PostgreSQL's letter for a storage.
    """

    kind: str
    schema: str | None
    table: str
    part: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The comment on a home itself, the casts of a schema's types, and what child tables have of their own.

    Comment and casts are those of a schema in a shared database: they lie in none.
    """

    comment: str | None = None
    casts: tuple[Cast, ...] = field(default_factory=tuple)
    inherited: tuple[Inherited, ...] = ()


def cast_of(facts: dict[str, Any]) -> Cast:
    """Read a cast from JSON values."""
    function = facts["function"]
    return Cast(
        source=_placed(facts["source"]),
        target=_placed(facts["target"]),
        method=facts["method"],
        context=facts["context"],
        function=_placed(function) if function else None,
        arguments=tuple(map(_placed, facts["arguments"])),
        comment=facts["comment"],
    )


def _placed(pair: Any) -> Placed:
    schema, name = pair
    return schema, name
