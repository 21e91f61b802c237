"""Compares what a home has with what its revision has made: names the objects that it lacks, or that are others."""

from collections.abc import Iterable, Mapping

from tenantry.domain.fingerprint import Definition, Named, shown_name
from tenantry.domain.printable import printable

# How many differences are named, and how much of each name, in characters.
_NAMED, _CHARACTERS = 10, 120
# A column of a table that is gone is gone too: only the table is named. So is it with one that was added.
_HAVE_PARTS = frozenset({"table", "view", "materialized view", "foreign table", "composite type", "domain"})


def describe_differences(
    reference: Mapping[Named, Definition],
    found: Mapping[Named, Definition],
    schema: str,
    added: Iterable[Named] = (),
    more_added: int = 0,
) -> str:
    """Name what differs, one object after the other, by `missing`, `changed` and `added`; empty where nothing does.

    :param reference: what the revision makes.
    :param found: of those objects, the ones that are there.
    :param schema: the name of the home's main schema, for the answer.
    :param added: what is there beside them and must not be; `more_added` are as many more.
    """
    absent = reference.keys() - found.keys()
    differences = [("missing", named) for named in _in_order(_without_parts(absent))]
    differences += [("changed", named) for named in _in_order(found) if found[named] != reference[named]]
    differences += [("added", named) for named in _in_order(_without_parts(added))]
    more = max(len(differences) - _NAMED, 0) + more_added
    texts = [_text(how, named, schema) for how, named in differences[:_NAMED]]
    return ", ".join([*texts, f"and {more} more"] if more else texts)


def _without_parts(names: Iterable[Named]) -> list[Named]:
    found = [*names]
    wholes = {name for kind, name in found if kind in _HAVE_PARTS}
    return [named for named in found if named[0] in _HAVE_PARTS or not _is_in(named[1], wholes)]


def _is_in(name: str, wholes: Iterable[str]) -> bool:
    return any(name.startswith(f"{whole}.") for whole in wholes)


def _in_order(names: Iterable[Named]) -> list[Named]:
    """Sort objects: what others are parts of comes first."""
    return sorted(names, key=lambda named: (named[0] not in _HAVE_PARTS, named))


def _text(how: str, named: Named, schema: str) -> str:
    kind, name = named
    return f"{how} {kind} {printable(shown_name(name, schema), _CHARACTERS)}"
