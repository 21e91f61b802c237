"""What a tenant has made in its home that no dump of the home brings back, because it lies in no schema."""

from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The comment on a home itself, and the casts of the types in a schema of a shared database."""

    comment: str | None = None
    casts: tuple[Cast, ...] = field(default_factory=tuple)


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
