"""Finds the relationship that an embedded table's name and hint mean, and the function that fits a call's arguments."""

from collections.abc import Collection

from tenantry.postgrest.catalogue.hints import ambiguous_relationship, ambiguous_routine, no_relationship, no_routine
from tenantry.postgrest.catalogue.model import Cardinality, Catalogue, Name, Relationship, Routine
from tenantry.postgrest.grammar.syntax import Embed


def find_relationship(
    catalogue: Catalogue, origin: Name | None, embed: Embed, called: Name, schema: str
) -> Relationship:
    """Find the one relationship that the embed means.

    :param origin: the relation whose rows embed; None for rows of no relation.
    :param called: what errors call them.
    :param schema: where what is embedded is.
    :raises RequestRefused: no relationship fits (PGRST200), or more than one does (PGRST201).
    """
    known = catalogue.relationships.get(origin, ()) if origin else ()
    found = [each for each in known if (each.function or each.target).schema == schema]
    found = [each for each in found if _is_meant(each, embed)]
    if not found:
        raise no_relationship(catalogue, origin, embed, Name(schema, called.name))
    if len(found) > 1:
        raise ambiguous_relationship(called, embed, found)
    return found[0]


def _is_meant(each: Relationship, embed: Embed) -> bool:
    if each.function:
        return embed.name == each.function.name
    near, far = _only_column(each)
    if each.is_self:
        return _is_meant_of_self(each, embed, near, far)
    if embed.hint is None:
        by_key = embed.name in (each.constraint or None, near) and not each.target_is_view
        return embed.name == each.target.name or by_key
    junction = each.junction.table.name if each.junction else None
    return embed.name == each.target.name and embed.hint in (each.constraint or None, near, far, junction)


def _is_meant_of_self(each: Relationship, embed: Embed, near: str | None, far: str | None) -> bool:
    """Whether the embed means this key of a table to itself: the table's name means children, the column the parent."""
    children = embed.name == each.target.name and each.cardinality is Cardinality.ONE_TO_MANY
    if embed.hint is None:
        return children or (embed.name == near and each.cardinality is Cardinality.MANY_TO_ONE)
    return children and embed.hint == far


def _only_column(each: Relationship) -> tuple[str | None, str | None]:
    """Return the columns at both ends of a key with a single column; (None, None) for other keys."""
    return each.columns[0] if len(each.columns) == 1 else (None, None)


def find_routine(
    catalogue: Catalogue, wanted: Name, keys: Collection[str], *, raw: str | None = None, posts: bool = False
) -> Routine:
    """Find the one function that takes these arguments.

    :param raw: the type of the unnamed argument into which a body that is not JSON is put.
    :param posts: a body is sent that is JSON or of the type `raw`, so a function with one unnamed parameter may take it
        whole. A body whose one member has the empty name fits such a function as arguments do, whatever its type.
    :raises RequestRefused: no function fits (PGRST202), or more than one does (PGRST203).
    """
    overloads = catalogue.routines.get(wanted, ())
    named = [each for each in overloads if _takes(each, set(keys), raw)]
    found = named or [each for each in overloads if posts and _takes_all(each, raw)]
    if not found:
        raise no_routine(catalogue, wanted, sorted(keys), raw, posts_json=posts)
    if len(found) > 1:
        raise ambiguous_routine(found)
    return found[0]


def _takes(routine: Routine, keys: set[str], raw: str | None) -> bool:
    if not routine.parameters:
        return not keys and raw is None
    required = {each.name for each in routine.parameters if each.required}
    optional = {each.name for each in routine.parameters if not each.required}
    return keys - optional == required


def _takes_all(routine: Routine, raw: str | None) -> bool:
    if len(routine.parameters) != 1 or routine.parameters[0].name:
        return False
    return routine.parameters[0].type in ((raw,) if raw else ("json", "jsonb"))
