"""Says when the casts of a schema's types are made, which no dump of one has: as soon as what they need is there.

What comes later, a view or a default, may need them: made after all else, they would come too late, or it would be
converted by way of text.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tenantry.domain.surroundings import Cast, Placed

# What pg_restore lists a type under; a table and its like have a row type.
_TYPES = ("TYPE", "DOMAIN", "TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW")


class Stage(NamedTuple):
    """Entries of an archive, by their numbers, and the casts that are made after them."""

    numbers: list[int]
    casts: list[Cast]


def cast_stages(entries: Sequence[tuple[int, str]], casts: Sequence[Cast], schema: str) -> list[Stage]:
    """Cut an archive's entries after those that casts need.

    :param entries: numbers and descriptions, as `pg_restore --list` has them, in the archive's order.
    :param schema: the main schema's name in the archive.
    """
    due: dict[int, list[Cast]] = {}
    for cast in casts:
        starts = tuple(_starts(cast, schema))
        places = [place for place, (_, text) in enumerate(entries, 1) if text.startswith(starts)]
        due.setdefault(max(places, default=0), []).append(cast)
    # What needs nothing comes after the first entry: there is one in each archive.
    due[1] = due.pop(0, []) + due.get(1, [])
    cuts = sorted({0, *due, len(entries)})
    return [Stage([number for number, _ in entries[a:b]], due.get(b, [])) for a, b in pairwise(cuts)]


def write_numbers(numbers: Sequence[int], file: Path) -> Path:
    """Write numbers of entries as the list file that `pg_restore --use-list` takes."""
    file.write_text("".join(f"{number};\n" for number in numbers))
    return file


def _starts(cast: Cast, main: str) -> Iterator[str]:
    """Begin the descriptions of what a cast needs."""
    main = _listed(main)
    for schema, name in _named(cast.source, cast.target):
        # An array's name is that of its elements' type, after an underscore.
        for own in {name, name.removeprefix("_")}:
            yield from (f"{kind} {schema or main} {own} " for kind in _TYPES)
    for schema, name in _named(cast.function):
        yield f"FUNCTION {schema or main} {name}("


def _named(*placed: Placed | None) -> Iterator[tuple[str, str]]:
    for schema, name in (one for one in placed if one is not None):
        yield _listed(schema or ""), _listed(name)


def _listed(name: str) -> str:
    """Write a name as a list of an archive's entries does, each of which is one line."""
    return name.replace("\n", " ").replace("\r", " ")
